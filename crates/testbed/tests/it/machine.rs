//! A machine that does not end in time, and that it ends with its value. What machines do is tried where they are booted, by
//! `cargo xtask e2e --machines`.

use std::time::Duration;

use qus_testbed::machine::Prepared;
use qus_testbed::{Error, Hardware, Kernel, Package, Packages};

#[test]
fn a_machine_that_takes_too_long_ends_with_its_value() {
    let test = "a_machine_that_takes_too_long_ends_with_its_value";
    let Some(packages) = Packages::for_test(test) else { return };
    let host = "amd64".parse().unwrap();
    let kernel = Kernel::fetch(&packages, "bookworm", host, "linux-image-cloud-amd64").unwrap();
    assert!(kernel.release().ends_with("-cloud-amd64"), "{}", kernel.release());
    let prepared = Prepared::new(&packages, Hardware::of(host).unwrap(), &kernel).unwrap();
    let busybox =
        packages.tree("busybox-amd64", &[Package::new("bookworm", host, "busybox-static")]).unwrap();
    let busybox = std::fs::read(busybox.path().join("usr/bin/busybox")).unwrap();
    let mut initramfs = prepared.initramfs().unwrap();
    initramfs.file("bin/busybox", 0o755, busybox.len() as u64, &busybox[..]).unwrap();
    initramfs.text("init", 0o755, "#!/bin/busybox sh\nexec sleep 100000\n").unwrap();
    initramfs.finish().unwrap();
    // It never ends by itself, so that any limit is too short for it.
    let mut machine = prepared.start(Duration::ZERO).unwrap();
    let error = machine.end().unwrap_err();
    assert!(matches!(error, Error::Slow { .. }), "{error}");
    let (pid, dir) = (machine.sandbox().pid(), machine.sandbox().dir().to_owned());
    drop(machine);
    assert!(!dir.exists());
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}
