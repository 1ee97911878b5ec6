//! Engines on the real kernel: an image registers an interpreter in the sandbox's binfmt_misc, and a foreign container
//! then runs, while the machine's own binfmt_misc stays as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use qus_testbed::sandbox::Options;
use qus_testbed::{Engine, Package, Packages, Running, Sandbox, Tree};

/// The stand-in for `register`: it takes `-s -- -p arm` and writes Debian's own line for `arm`.
const REGISTER: &str = r#"#!/usr/bin/busybox sh
set -eu
[ "$*" = "-s -- -p arm" ]
busybox mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
busybox sed 's/:OPF$/:PF/' /usr/share/qemu/binfmt.d/qemu-arm.conf > /proc/sys/fs/binfmt_misc/register
"#;

const ENTRYPOINT: &str = r#"ENTRYPOINT ["/register"]"#;

/// Foreign programs run while an image is built.
const DOCKERFILE: &str = r#"FROM foreign:latest
RUN ["busybox", "sh", "-c", "busybox uname -m > /machine"]
RUN ["busybox", "grep", "armv7l", "/machine"]
"#;

fn check(engine: Engine) {
    let Some(packages) = crate::support::packages(engine.name()) else { return };
    let before = machine();
    let tree = packages.tree(engine.tree_name(), &engine.packages()).unwrap();
    let sandbox = Sandbox::start(&packages, &Options { trees: vec![&tree], ..Options::default() }).unwrap();
    let running = engine.start(&sandbox).unwrap();
    load_stand_in(&packages, &running);

    let armhf = "armhf".parse::<arch::Host>().unwrap();
    let foreign = busybox(&packages, armhf);
    let rootfs = sandbox.shared().join("armhf.tar");
    foreign.tar(&rootfs).unwrap();
    running.import(&rootfs, armhf.platform(), "foreign:latest").unwrap();
    let uname = ["--platform", "linux/arm/v7", "foreign", "busybox", "uname", "-m"];

    let output = running.run(&uname).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(said.contains("exec format error"), "the foreign program should not run yet: {output:?}");

    let output = running.run(&["--privileged", "stand-in", "-s", "--", "-p", "arm"]).unwrap();
    assert!(output.status.success(), "{}\n{output:?}", running.log());
    let entry = sandbox.run(&["cat", "/proc/sys/fs/binfmt_misc/qemu-arm"]).unwrap();
    assert!(entry.starts_with("enabled\ninterpreter /usr/bin/qemu-arm\nflags: PF\n"), "{entry}");

    let output = running.run(&uname).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "armv7l", "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "no warnings that a user would not see");

    sandbox.write("/shared/context/Dockerfile", DOCKERFILE).unwrap();
    running
        .client(&["build", "--platform", "linux/arm/v7", "-t", "built:latest", "/shared/context"])
        .unwrap();
    let built = ["--platform", "linux/arm/v7", "built:latest", "busybox", "cat", "/machine"];
    let output = running.run(&built).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "armv7l", "{output:?}");
    assert_eq!(machine(), before);
}

/// The machine's own binfmt_misc: its entries and what they say.
fn machine() -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir("/proc/sys/fs/binfmt_misc") else { return BTreeMap::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("register"))
        .map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()))
        .collect()
}

fn busybox(packages: &Packages, host: arch::Host) -> Tree {
    let package = Package::new("bookworm", host, "busybox-static");
    packages.tree(&format!("busybox-{}", host.debian()), &[package]).unwrap()
}

/// Loads an image with a static busybox, sid's `qemu-arm` and a script in place of `register`, from an archive.
fn load_stand_in(packages: &Packages, running: &Running<'_>) {
    let native = arch::Host::native().unwrap();
    let busybox = busybox(packages, native);
    let qemu = packages.tree("qemu-user", &[Package::native("sid", "qemu-user")]).unwrap();
    let shared = running.sandbox().shared();
    let mut builder = tar::Builder::new(fs::File::create(shared.join("rootfs.tar")).unwrap());
    for (tree, path) in [
        (&busybox, "usr/bin/busybox"),
        (&qemu, "usr/bin/qemu-arm"),
        (&qemu, "usr/share/qemu/binfmt.d/qemu-arm.conf"),
    ] {
        builder.append_path_with_name(tree.path().join(path), path).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(REGISTER.len() as u64);
    header.set_mode(0o755);
    builder.append_data(&mut header, "register", REGISTER.as_bytes()).unwrap();
    builder.finish().unwrap();

    running.client(&["import", "--change", ENTRYPOINT, "/shared/rootfs.tar", "stand-in"]).unwrap();
    running.client(&["save", "-o", "/shared/image.tar", "stand-in"]).unwrap();
    running.client(&["rmi", "stand-in"]).unwrap();
    let said = running.load(Path::new(&shared.join("image.tar"))).unwrap();
    assert!(said.contains("stand-in:latest"), "{said}");
}

#[test]
fn docker20() {
    check(Engine::Docker20);
}

#[test]
fn docker28() {
    check(Engine::Docker28 { containerd_store: false });
}

#[test]
fn docker28_containerd() {
    check(Engine::Docker28 { containerd_store: true });
}

#[test]
fn podman() {
    check(Engine::Podman);
}
