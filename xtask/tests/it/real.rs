//! The real images, as `cargo xtask test` built them from Debian's packages: do their programs run?

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::layout::Images;
use crate::line::{SOURCES, link};
use arch::Host;

/// QEMU on this machine, to run other hosts' programs: Debian's `qemu-user`, unpacked.
struct Emulators(PathBuf);

impl Emulators {
    fn find(test: &str) -> Option<Emulators> {
        let dir = std::env::var_os("QUS_TEST_QEMU_DIR").map(|dir| Emulators(PathBuf::from(dir)));
        if dir.is_none() {
            testbed::skip(test, "QUS_TEST_QEMU_DIR names no unpacked qemu-user");
        }
        dir
    }

    /// Runs `program`, which is for `host`.
    fn run(&self, host: Host, program: &Path, args: &[&str]) -> Output {
        let native = Host::native() == Ok(host);
        let mut command = if native {
            Command::new(program)
        } else {
            let mut command = Command::new(self.0.join("usr/bin").join(format!("qemu-{}", host.target())));
            command.arg(program);
            command
        };
        command.args(args).output().unwrap()
    }
}

#[test]
fn each_hosts_qemu_says_the_version_in_the_table() {
    let test = "each_hosts_qemu_says_the_version_in_the_table";
    let (Some(images), Some(emulators)) = (Images::find(test), Emulators::find(test)) else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut ran = BTreeSet::new();
    for (host, image) in images.index("pkg") {
        // A big one, and one of those that 32-bit hosts of sid lack.
        for target in ["arm", "aarch64"] {
            let path = format!("usr/bin/qemu-{target}-static");
            let program = dir.path().join(format!("{host}-{target}"));
            images.extract(&image, &path, &program);
            let output = emulators.run(host, &program, &["--version"]);
            assert!(output.status.success(), "{host}: {path}: {output:?}");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let version = images.version(host, target);
            assert!(
                said.starts_with(&format!("qemu-{target} version {version}")),
                "{host}: expected {version}, got {said}"
            );
            ran.insert((host, target));
        }
    }
    assert_eq!(ran.len(), 2 * Host::all().count(), "{ran:?}");
}

#[test]
fn busybox_has_a_link_for_each_of_its_applets() {
    let test = "busybox_has_a_link_for_each_of_its_applets";
    let (Some(images), Some(emulators)) = (Images::find(test), Emulators::find(test)) else { return };
    let dir = tempfile::tempdir().unwrap();
    for (host, image) in images.index("register") {
        // It goes by the name that it is called by.
        let program = dir.path().join(format!("busybox-{host}"));
        images.extract(&image, "bin/busybox", &program);
        let output = emulators.run(host, &program, &["--list"]);
        let list = String::from_utf8(output.stdout).unwrap();
        let applets: BTreeSet<String> =
            list.lines().filter(|name| *name != "busybox").map(|name| format!("bin/{name}")).collect();
        let links: BTreeSet<String> =
            images.links(&image).into_iter().filter(|path| path.starts_with("bin/")).collect();
        assert_eq!(links, applets, "{host}");
        assert!(applets.len() > 200, "{host}: {applets:?}");
    }
}

/// A tarball as a user unpacks it, with this machine's tar.
#[test]
fn a_release_holds_what_the_images_hold() {
    let test = "a_release_holds_what_the_images_hold";
    let Some(images) = Images::find(test) else { return };
    let Ok(native) = Host::native() else { return };
    // A workspace with the lock that the images were built from.
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| dir.path().join(path);
    for folder in ["images", "xtask"] {
        std::fs::create_dir(at(folder)).unwrap();
    }
    std::fs::copy(std::env::var_os("QUS_TEST_LOCK").unwrap(), at("images/debian.lock")).unwrap();
    link(dir.path(), &SOURCES);
    link(dir.path(), &["images/images.toml", "images/libc.lock"]);
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["release", "--host", native.name(), "--target", "aarch64", "--target", "riscv64"])
        .arg("--layout")
        .arg(images.path())
        .args(["--output", "assets"])
        .current_dir(dir.path())
        .env("CARGO_MANIFEST_DIR", at("xtask"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");

    let shell = |script: &str| {
        let output = Command::new("sh").args(["-euc", script]).current_dir(at("assets")).output().unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(shell("sha256sum -c SHA256SUMS").contains("qemu-aarch64-static_"));
    assert!(shell("sh ./register.sh --help").contains("binfmt_misc"));
    for target in ["aarch64", "riscv64"] {
        shell(&format!("tar -xzf qemu-{target}-static_{native}.tgz"));
        let version = images.version(native, target);
        let said = shell(&format!("./qemu-{target}-static --version"));
        assert!(said.starts_with(&format!("qemu-{target} version {version}")), "{said}");
        assert_eq!(shell(&format!("./qemu-{target}-static ./test-{target}")), "Hello world!\n");
        let check = format!("./qemu-{target}-static ./test-program_{target} </dev/null || test $? = 42");
        shell(&format!("{{ {check}; }} && ! ./qemu-{target}-static ./test-program_{target} </dev/null"));
        if native.has_run() {
            let run = format!("./qus-run-{target}_{native} ./test-{target}");
            assert_eq!(shell(&run), "Hello world!\n");
            let run = format!("./qus-run_{native} --qemu-dir . ./test-{target}");
            assert_eq!(shell(&run), "Hello world!\n");
        }
        // The binary in the image is the same.
        let path = at(&format!("from-image-{target}"));
        images.extract(&images.index("pkg")[&native], &format!("usr/bin/qemu-{target}-static"), &path);
        shell(&format!("cmp qemu-{target}-static ../from-image-{target}"));
    }
}

#[test]
fn run_has_the_layer_of_pkg() {
    let Some(images) = Images::find("run_has_the_layer_of_pkg") else { return };
    let (pkg, run, single) = (images.index("pkg"), images.index("run"), images.index("run-aarch64"));
    let hosts: Vec<&arch::Host> = run.keys().collect();
    assert_eq!(hosts, single.keys().collect::<Vec<_>>());
    assert!(pkg.keys().filter(|host| host.has_run()).eq(hosts));
    for (host, run) in run {
        assert_eq!(run.layers[1..], pkg[&host].layers, "{host}");
        // The same packages have the same layer of records.
        let (single, pkg) = (&single[&host], &pkg[&host]);
        assert_eq!(single.layers.len(), 2, "{host}");
        let are_equal = images.records(single) == images.records(pkg);
        assert_eq!(single.layers[1] == pkg.layers[1], are_equal, "{host}");
    }
}

/// Builds pull these images, and mount them into steps.
#[test]
fn run_is_small() {
    let Some(images) = Images::find("run_is_small") else { return };
    let dir = tempfile::tempdir().unwrap();
    for (host, image) in images.index("run") {
        let path = dir.path().join(host.name());
        images.extract(&image, "qus/run", &path);
        let size = path.metadata().unwrap().len();
        assert!(size <= 600_000, "{host}: `run` has {size} bytes");
    }
    for (host, image) in images.index("run-aarch64") {
        let size: u64 = image.layers.iter().map(|layer| layer.size).sum();
        assert!(size <= 4_300_000, "{host}: the layers of `run-aarch64` have {size} bytes");
    }
}

#[test]
fn full_is_register_and_pkg() {
    let Some(images) = Images::find("full_is_register_and_pkg") else { return };
    let (pkg, register, full) = (images.index("pkg"), images.index("register"), images.index("latest"));
    assert_eq!(full.len(), register.len());
    for (host, full) in full {
        let ([busybox, program, records], [qemu, others]) =
            (&register[&host].layers[..], &pkg[&host].layers[..])
        else {
            panic!("{host}: {:?} {:?}", register[&host].layers, pkg[&host].layers)
        };
        let parts = [busybox, program, qemu, records, others].map(Clone::clone);
        assert_eq!(full.layers, parts, "{host}");
    }
}

/// Debian's own copyright files and descriptions, for people and scanners.
#[test]
fn each_image_says_what_packages_it_is_made_of() {
    let Some(images) = Images::find("each_image_says_what_packages_it_is_made_of") else { return };
    let (pkg, single) = (images.index("pkg"), images.index("aarch64"));
    for (tag, index) in [("latest", images.index("latest")), ("pkg", pkg), ("aarch64", single)] {
        for (host, image) in index {
            let records = images.records(&image);
            let packages: BTreeSet<&str> =
                records.keys().filter_map(|path| path.strip_prefix("var/lib/dpkg/status.d/")).collect();
            assert_eq!(packages.contains("busybox-static"), tag != "pkg", "{tag} {host}: {packages:?}");
            assert!(packages.iter().any(|name| name.starts_with("qemu-user")), "{tag} {host}: {packages:?}");
            assert_eq!(records.len(), 3 * packages.len(), "{tag} {host}: {:?}", records.keys());
            for name in packages {
                let of = |path: &str| &records[&path.replace("NAME", name)];
                let control = of("var/lib/dpkg/status.d/NAME");
                assert!(control.starts_with(&format!("Package: {name}\n")), "{control}");
                assert!(control.contains(&format!("\nArchitecture: {}\n", host.debian())), "{control}");
                let copyright = of("usr/share/doc/NAME/copyright");
                assert!(copyright.contains("GPL"), "{copyright}");
                let notice = of("usr/share/doc/NAME/NOTICE");
                assert!(notice.contains("https://snapshot.debian.org/archive/debian/"), "{notice}");
                // The package, and each description of a source, has its digest below its address.
                let sources = notice.matches(".dsc\n    sha256:").count();
                assert_eq!((notice.matches(".dsc\n").count(), sources > 0), (sources, true), "{notice}");
                assert_eq!(notice.matches("\n    sha256:").count(), sources + 1, "{notice}");
            }
        }
    }
    // The upper layers are these, and small.
    for (host, image) in images.index("latest") {
        assert!(image.layers[3..].iter().all(|layer| layer.size < 60_000), "{host}: {:?}", image.layers);
    }
}
