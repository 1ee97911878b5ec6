//! The real image on a real engine and a real kernel: what end users do.
//!
//! Engine and kernel instance are the testbed's: nothing of the machine changes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod layout;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use layout::Images;
use oci::spec::Platform;
use publish::archive::{self, Named};
use publish::layout::Layout;
use testbed::sandbox::Options;
use testbed::{Engine, Package, Packages, Sandbox};

const IMAGE: &str = "aptman/qus:latest";

#[test]
fn docker28_runs_foreign_containers() {
    check(Engine::Docker28 { containerd_store: true });
}

#[test]
fn docker28_with_the_classic_store_runs_foreign_containers() {
    check(Engine::Docker28 { containerd_store: false });
}

#[test]
fn docker20_runs_foreign_containers() {
    check(Engine::Docker20);
}

#[test]
fn podman_runs_foreign_containers() {
    check(Engine::Podman);
}

/// Loads `latest`, registers `arm` with it, and runs a program of armhf's.
fn check(engine: Engine) {
    let test = engine.name();
    let Some(images) = Images::find(test) else { return };
    if let Some(reason) = testbed::missing() {
        testbed::skip(test, &reason, std::env::var_os("CI").is_some());
        return;
    }
    let before = machine();
    let keyrings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/keyrings");
    let packages = Packages::of_the_machine(&keyrings).unwrap();
    let tree = packages.tree(engine.tree_name(), &engine.packages()).unwrap();
    let sandbox = Sandbox::start(&packages, &Options { trees: vec![&tree], ..Options::default() }).unwrap();
    let running = engine.start(&sandbox).unwrap();
    let archive = sandbox.shared().join("qus.tar");
    write_archive(&images, &archive);
    running.load(&archive).unwrap();

    // A container of a foreign program, which cannot run yet.
    let armhf: arch::Host = "armhf".parse().unwrap();
    let busybox =
        packages.tree("busybox-armhf", &[Package::new("bookworm", armhf, "busybox-static")]).unwrap();
    let rootfs = sandbox.shared().join("armhf.tar");
    busybox.tar(&rootfs).unwrap();
    running.import(&rootfs, armhf.platform(), "foreign:latest").unwrap();
    let uname = ["--platform", "linux/arm/v7", "foreign", "busybox", "uname", "-m"];
    let output = running.run(&uname).unwrap();
    assert!(!output.status.success(), "the foreign program should not run yet: {output:?}");

    // The README's commands.
    let output = running.run(&["--privileged", IMAGE, "-s", "--", "-p", "arm"]).unwrap();
    assert!(output.status.success(), "{output:?}\n{}", running.log());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Setting /qus/bin/qemu-arm-static as binfmt interpreter for arm"), "{said}");
    let entry = sandbox.run(&["cat", "/proc/sys/fs/binfmt_misc/qemu-arm"]).unwrap();
    assert!(entry.starts_with("enabled\ninterpreter /qus/bin/qemu-arm-static\n"), "{entry}");
    let output = running.run(&uname).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "armv7l", "{output:?}");

    // Without privileges: the machine's binfmt_misc is bound in.
    let output = running.run(&["--privileged", IMAGE, "--", "-r"]).unwrap();
    assert!(output.status.success(), "{output:?}");
    let bound = "/proc/sys/fs/binfmt_misc:/binfmt_misc";
    let unprivileged = ["--cap-drop", "ALL", "--network", "none", "--read-only", "-v", bound, IMAGE];
    let args = ["-s", "--mount", "/binfmt_misc", "--", "-p", "linux/arm/v7"];
    let output = running.run(&[unprivileged.as_slice(), args.as_slice()].concat()).unwrap();
    assert!(output.status.success(), "{output:?}\n{}", running.log());
    let output = running.run(&uname).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "armv7l", "{output:?}");

    // As docker/setup-qemu-action does it.
    let binfmt = ["--privileged", "--entrypoint", "/qus/binfmt", IMAGE];
    let output = running.run(&[binfmt.as_slice(), ["--install", "s390x"].as_slice()].concat()).unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = running.run(&binfmt).unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let emulators = status["emulators"].as_array().unwrap();
    assert!(emulators.contains(&"qemu-s390x".into()), "{status}");
    assert!(status["supported"].as_array().unwrap().contains(&"linux/s390x".into()), "{status}");

    let output = running.run(&["--privileged", IMAGE, "-l"]).unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("qemu-arm"), "{output:?}");

    let output = running.run(&["--privileged", IMAGE, "--", "-r"]).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(sandbox.run(&["cat", "/proc/sys/fs/binfmt_misc/qemu-arm"]).is_err(), "the entry is still there");
    let output = running.run(&uname).unwrap();
    assert!(!output.status.success(), "the foreign program should not run any more: {output:?}");
    assert_eq!(machine(), before);
}

/// What `cargo xtask images --host HOST --kind full --archive FILE` writes, from the layout of all hosts.
fn write_archive(images: &Images, path: &Path) {
    let native: arch::Host = std::env::consts::ARCH.parse().unwrap();
    let platform: Platform = native.platform().into();
    let layout = Layout::open(images.path()).unwrap();
    let index: oci::spec::Index = layout.json(&images.tag("latest")).unwrap();
    let descriptor = index
        .manifests
        .into_iter()
        .find(|descriptor| descriptor.platform.as_ref() == Some(&platform))
        .unwrap();
    let named = Named { repository: "docker.io/aptman/qus".to_owned(), tag: "latest".to_owned(), descriptor };
    archive::write(&layout, &[named], &platform, &mut fs::File::create(path).unwrap()).unwrap();
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
