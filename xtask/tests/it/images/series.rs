//! Images of several series of QEMU in one layout.

use std::collections::BTreeMap;

use arch::{Class, Host, Target};
use debian::testing::small::busybox;
use debian::testing::{Archive, Built, Deb, Suite, elf};
use oci::spec::Index;
use publish::layout::Layout;

use super::content;
use crate::line::Line;

fn qemu(version: &str, host: &str, has: impl Fn(Target) -> bool) -> Deb {
    let host: Host = host.parse().unwrap();
    let targets = Target::current().filter(|target| has(*target));
    targets.fold(Deb::new("qemu-user", version, host.debian()).gzip(), |deb, target| {
        let content = format!("{target} {version} for {host}");
        deb.file(&format!("usr/bin/qemu-{target}"), &elf(host.elf(), content.as_bytes()))
    })
}

/// As Debian has it: the newest lacks 64-bit targets on i386 and all on mipsel, and an older suite has everything.
fn archive(sid: &str) -> Built {
    let narrow = |target: Target| target.elf().class == Class::Bits32;
    let sid = Suite::new("unstable", "sid")
        .package(qemu(sid, "amd64", |_| true))
        .package(busybox("amd64".parse().unwrap()))
        .package(qemu("1:10.2.2+ds-1", "i386", narrow))
        .package(busybox("i386".parse().unwrap()));
    let bookworm = Suite::new("oldstable", "bookworm")
        .package(qemu("1:7.2+dfsg-7", "amd64", |_| true))
        .package(qemu("1:7.2+dfsg-7", "i386", |_| true))
        .package(qemu("1:7.2+dfsg-7", "mipsel", |_| true))
        .package(busybox("mipsel".parse().unwrap()));
    Archive::new(1).suite(sid).suite(bookworm).build()
}

fn line(hosts: &[&str]) -> Line {
    let line = Line::new(hosts, &archive("1:11.1.3+ds-1"));
    line.write(
        "images/images.toml",
        &format!(
            "repository = \"docker.io/aptman/qus\"\nsuites = [\"sid\", \"bookworm\"]\nseries = [\"bookworm\"]\nhosts = {hosts:?}\n"
        ),
    );
    line.run(&["lock"]).success();
    line
}

/// The hosts of each index, by tag, and of each host's image itself.
fn listed(line: &Line, layout: &str) -> BTreeMap<String, Vec<String>> {
    let layout = Layout::open(&line.path(layout)).unwrap();
    let platforms = |index: Index| {
        let images = index.manifests.into_iter().filter(|image| !image.is_attestation());
        images.map(|image| image.platform.unwrap().to_string()).collect()
    };
    let one = |(tag, root)| (tag, layout.json::<Index>(&root).map_or_else(|_| Vec::new(), platforms));
    layout.refs().into_iter().map(one).collect()
}

const PKG: [&str; 3] = ["images", "--kind", "pkg"];

#[test]
fn a_tag_with_a_version_has_it_in_every_image() {
    let line = line(&["amd64", "i386", "mipsel"]);
    line.run(&[&PKG[..], &["--series", "all", "--output", "all"]].concat()).success();
    let (amd64, i386, mipsel) = ("linux/amd64", "linux/386", "linux/mipsle");
    let expected = [
        ("amd64-d11.1-pkg", vec![]),
        ("amd64-d7.2-pkg", vec![]),
        ("d10.2-pkg", vec![i386]),
        ("d11.1-pkg", vec![amd64]),
        ("d7.2-pkg", vec![amd64, i386, mipsel]),
        ("i386-d10.2-newest-pkg", vec![]),
        ("i386-d10.2-pkg", vec![]),
        ("i386-d7.2-pkg", vec![]),
        ("mips-d7.2-pkg", vec![]),
        ("mips-pkg", vec![]),
        ("pkg", vec![amd64, i386, mipsel]),
    ];
    let expected: BTreeMap<String, Vec<String>> =
        expected.map(|(tag, hosts)| (tag.to_owned(), hosts.into_iter().map(str::to_owned).collect())).into();
    assert_eq!(listed(&line, "all"), expected);
    let verified = line.run(&["verify", "all"]).success();
    let said =
        "QEMU 10.2 has no image for linux/amd64, linux/mipsle (d10.2-pkg); tags without a version have one\n";
    assert!(verified.stderr.contains(said), "{}", verified.stderr);
    assert!(!verified.stderr.contains("QEMU 7.2 has"), "{}", verified.stderr);

    // One after the other, in any order and host by host, they are the same.
    for builds in [&["newest", "bookworm"][..], &["bookworm", "newest"], &["all"]] {
        let output = builds.join("-");
        for host in ["mipsel", "i386", "amd64"] {
            for series in builds {
                let args = ["--series", series, "--host", host, "--output", &output];
                line.run(&[&PKG[..], &args].concat()).success();
            }
        }
        assert_eq!(listed(&line, &output), expected, "{builds:?}");
        assert_eq!(content(&line, &output), content(&line, "all"), "{builds:?}");
    }
    let newest = line.run(&[&PKG[..], &["--host", "mipsel", "--output", "all"]].concat()).success();
    assert!(newest.stderr.contains("nothing changed in"), "{}", newest.stderr);
}

#[test]
fn a_build_of_the_newest_leaves_other_series_and_nothing_old() {
    let line = Line::new(&["mipsel"], &archive("1:11.1.3+ds-1"));
    line.write(
        "images/images.toml",
        "repository = \"docker.io/aptman/qus\"\nsuites = [\"sid\", \"bookworm\"]\nseries = [\"sid\", \"bookworm\"]\nhosts = [\"mipsel\"]\n",
    );
    let with = |sid: &str| {
        let sid = Suite::new("unstable", "sid").package(qemu(sid, "mipsel", |_| true));
        let bookworm = Suite::new("oldstable", "bookworm").package(qemu("1:7.2+dfsg-7", "mipsel", |_| true));
        Archive::new(1).suite(sid.package(busybox("mipsel".parse().unwrap()))).suite(bookworm).build()
    };
    let tags = || listed(&line, "target/images").into_keys().collect::<Vec<_>>();
    line.serve(&with("1:11.1.3+ds-1"));
    line.run(&["lock"]).success();
    // It needs no `register`, and so this is everything.
    line.run(&["images"]).success();
    let newest = ["mips-d11.1-pkg", "mips-pkg", "pkg"];
    assert_eq!(tags(), newest);
    line.run(&["images", "--series", "bookworm"]).success();
    let old = ["d7.2-pkg"];
    assert_eq!(tags(), [&old[..], &["mips-d11.1-pkg", "mips-d7.2-pkg", "mips-pkg", "pkg"]].concat());
    let before = content(&line, "target/images");
    let dry = line.run(&["images", "--dry-run"]).success();
    assert!(dry.stdout.contains("would keep the other 2 tags in ") && !dry.stdout.contains("would remove"));
    let again = line.run(&["images"]).success();
    assert!(again.stderr.contains("nothing changed in"), "{}", again.stderr);
    assert_eq!(content(&line, "target/images"), before);

    line.serve(&with("1:11.2.0+ds-1"));
    line.run(&["lock"]).success();
    line.run(&["images"]).success();
    assert_eq!(tags(), [&old[..], &["mips-d11.2-pkg", "mips-d7.2-pkg", "mips-pkg", "pkg"]].concat());
    line.run(&["verify", "target/images"]).success();
    line.run(&["images", "--prune"]).success();
    assert_eq!(tags(), ["mips-d11.2-pkg", "mips-pkg", "pkg"]);
}
