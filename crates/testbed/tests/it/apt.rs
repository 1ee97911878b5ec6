//! apt's sources are read as the real apt reads them.

use std::collections::BTreeSet;
use std::fs;

use debian::mirror::apt_sources;
use qus_testbed::sandbox::Options;
use qus_testbed::{Package, Packages, Sandbox};

/// apt, dpkg, which it asks for architectures, and the libraries that `ldd` says they and the method `http` load.
const PACKAGES: &str = "
    apt dpkg libapt-pkg6.0 libbz2-1.0 libc6 libcap2 libffi8 libgcc-s1 libgcrypt20 libgmp10 libgnutls30
    libgpg-error0 libhogweed6 libidn2-0 liblz4-1 liblzma5 libmd0 libnettle8 libp11-kit0 libpcre2-8-0
    libseccomp2 libselinux1 libstdc++6 libsystemd0 libtasn1-6 libudev1 libunistring2 libxxhash0 libzstd1 zlib1g";

/// Names and contents of files in `sources.list.d`.
fn cases() -> Vec<(String, String)> {
    let lines = [
        "deb http://x/debian bookworm main\n",
        "deb\thttp://x/debian\tbookworm\tmain\n",
        "  deb   http://x/debian bookworm contrib main # c\r\n",
        "deb [ arch=amd64 ] http://x/debian bookworm main\n",
        "deb\t[arch=amd64\tsigned-by=/a#b]\thttp://x/debian\tbookworm\tmain\n",
        "deb \"http://x/debian\" \"bookworm\" main\n",
        "deb http://x/debian bookworm main#c\n",
        "deb http://x/debian bookworm # main\n",
        "deb http://x/debian bookworm contrib\n",
        "deb-src http://x/debian bookworm main\n",
        "# deb http://x/debian bookworm main\n\ndeb http://y/debian/ sid main\n",
        "Types: deb\nURIs: http://x/debian\nSuites: sid\nComponents: main\n",
    ];
    let x = "Types: deb\nURIs: http://x/debian\nSuites: bookworm\nComponents: main\n";
    let y = x.replace("//x", "//y");
    let stanzas = [
        x.to_owned(),
        x.replace('\n', "\r\n"),
        x.replace(": ", ":\t"),
        x.replace(": ", ":\n\t"),
        x.replace(": ", " :"),
        x.to_ascii_lowercase(),
        format!("\n\n# c\n{}\n\n#x\n\n", x.replace('\n', "\n# c\n")),
        format!("{x}Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"),
        x.replace("debian\n", "debian\thttp://z/debian\n"),
        x.replace("debian\n", "debian\n# c\n http://z/debian\n"),
        format!("{x}\n{y}"),
        format!("{x}\n{y}").replace('\n', "\r\n"),
        format!("{x} \t\n{y}"),
        x.replace("deb\n", "deb deb-src\n"),
        x.replace("deb\n", "deb-src\n"),
        x.replace("main", "contrib"),
        format!("Types: deb-src\n{x}"),
        "deb http://x/debian bookworm main\n".to_owned(),
    ];
    let enabled = [
        "no", "No", "NO", "\tno ", "false", "0", "00", "0x0", "-0", "+0", "off", "without", "disable", "yes",
        "true", "1", "2", "no yes", "n", "", "disabled", "none",
    ];
    let names = ["A_b-1.2.list", "a b.list", ".a.list", "a.list~", "a+b.list", "ä.list", "a.bak", "list"];
    let in_list = lines.iter().map(|line| ("a.list".to_owned(), (*line).to_owned()));
    let in_sources = stanzas.into_iter().map(|stanza| ("a.sources".to_owned(), stanza));
    let enabled = enabled.iter().map(|value| ("a.sources".to_owned(), format!("{x}Enabled: {value}\n")));
    let names = names.iter().map(|name| ((*name).to_owned(), lines[0].to_owned()));
    in_list.chain(in_sources).chain(enabled).chain(names).collect()
}

#[test]
fn sources_are_read_as_the_real_apt_reads_them() {
    let Some(packages) = Packages::for_test("sources_are_read_as_the_real_apt_reads_them") else {
        return;
    };
    let tree = packages.tree("apt", &Package::natives("bookworm", PACKAGES)).unwrap();
    let sandbox = Sandbox::start(&packages, &Options { trees: vec![&tree], ..Options::default() }).unwrap();
    let mut taken = 0;
    for (number, (name, text)) in cases().into_iter().enumerate() {
        sandbox.write(format!("/cases/{number}/{name}"), &text).unwrap();
        let parts = format!("Dir::Etc::sourceparts=/cases/{number}");
        let settings = [
            "Dir::Etc::sourcelist=/dev/null",
            &parts,
            "Dir::State=/tmp/apt",
            "Dir::State::status=/dev/null",
            "APT::Architecture=amd64",
            "APT::Architectures::=amd64",
        ];
        let mut apt = sandbox.command("apt-get");
        apt.args(["--print-uris", "update"]);
        for setting in settings {
            apt.args(["-o", setting]);
        }
        let output = apt.output().unwrap();
        // Lines like `'http://x/debian/dists/bookworm/main/binary-amd64/Packages.xz' x_debian_… 0`.
        let printed = String::from_utf8(output.stdout).unwrap();
        let base = |line: &str| {
            let (base, rest) = line.strip_prefix('\'')?.split_once("/dists/")?;
            rest.contains("/main/binary-").then(|| base.to_owned())
        };
        let real: BTreeSet<String> = printed.lines().filter_map(base).collect();

        let etc = tempfile::tempdir().unwrap();
        fs::create_dir(etc.path().join("sources.list.d")).unwrap();
        fs::write(etc.path().join("sources.list.d").join(&name), &text).unwrap();
        let ours: BTreeSet<String> =
            apt_sources(etc.path()).iter().map(|uri| uri.trim_end_matches('/').to_owned()).collect();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(ours, real, "{name}: {text:?}: {said}");
        taken += usize::from(!real.is_empty());
    }
    // apt did read them.
    assert_eq!(taken, 33);
}
