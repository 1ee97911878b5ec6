//! The things in Debian that nobody asked for: each case on a signed archive of its own.

use crate::setup::{Reports, Setup};
use crate::two_hosts::{bookworm, full, host, qemu, request, sid, sid_with, targets, words};
use qus_debian::lock::{Lock, Package};
use qus_debian::progress::Silent;
use qus_debian::resolve::{self, Finding, Request};
use qus_debian::testing::{Deb, Suite, elf};

/// The news besides the targets of sid.
async fn new_hosts(setup: &Setup, lock: &Lock, request: &Request) -> (Vec<Finding>, Vec<String>) {
    let ((fetcher, keyring), reports) = (setup.parts(), Reports::default());
    let found = resolve::new_hosts(lock, &fetcher, &setup.mirror, &keyring, request, &reports).await;
    (found, reports.notes.into_inner().unwrap())
}

fn refusing(targets: &[&str], hosts: &[&str]) -> Request {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Request { refused_targets: names(targets), refused_hosts: names(hosts), ..request() }
}

#[tokio::test]
async fn targets_that_no_table_knows_are_found_where_packages_are_looked_into() {
    let qemu = |debian: &str| {
        let program = elf(host(debian).elf(), b"new");
        let qemu = full("qemu-user", "1:12.0+ds-1", debian).file("./usr/bin/qemu-foo", &program);
        qemu.file("./usr/bin/qemu-bar", &program)
    };
    let setup = Setup::new(vec![sid_with(["amd64", "s390x"].map(qemu)), bookworm()]);
    let (fetcher, keyring) = setup.parts();
    let new = resolve::look(&fetcher, &setup.mirror, &keyring, &request(), &Silent).await.unwrap();
    let found = resolve::new_targets(&request(), &new.unknown);
    let expected = "target-new: in `sid`, `qemu-user` 1:12.0+ds-1 for amd64, s390x also has bar, foo, which no image has";
    assert_eq!(words(&found), [expected]);
    assert_eq!(found[0].targets(), ["bar", "foo"]);
    // They are no part of the lock.
    assert!(new.lock.qemu(host("amd64")).flat_map(Package::targets).eq(targets()));

    let found = resolve::new_targets(&refusing(&["foo"], &[]), &new.unknown);
    assert_eq!(found[0].targets(), ["bar"]);
    assert_eq!(resolve::new_targets(&refusing(&["foo", "bar"], &[]), &new.unknown), []);
}

/// Two suites that are both asked; the architectures with QEMU beside the hosts are `riscv64`, `sparc64` and `mipsel`.
fn suites() -> [Suite; 2] {
    let [aarch64, arm, _] = targets();
    let qemu = |debian: &str| qemu("qemu-user", "1:11.1+ds-1", debian, &[aarch64, arm], &[]);
    let sid = sid_with(["amd64", "s390x"].map(qemu))
        .package(full("qemu-user", "1:11.1+ds-1", "riscv64"))
        .package(Deb::new("qemu-user", "1:11.1+ds-1+b2", "sparc64"))
        // Without QEMU; what is for all architectures is no program.
        .package(Deb::new("qemu-utils", "1:11.1+ds-1", "hppa"))
        .architecture("m68k")
        .package(Deb::new("qemu-user-static", "1:11.1+ds-1", "all"));
    let links = Deb::new("qemu-user", "1:7.2-7", "mipsel").link("./usr/bin/qemu-arm", "qemu-arm-static");
    let bookworm = bookworm()
        .package(Deb::new("qemu-user-static", "1:7.2-7", "sparc64"))
        .package(links)
        .package(full("qemu-user-static", "1:7.2-7", "mipsel"));
    [sid, bookworm]
}

#[tokio::test]
async fn architectures_that_are_no_hosts_are_found_by_metadata_alone() {
    let setup = Setup::new(suites());
    let lock = setup.lock().await;
    let before = setup.server.requests().len();
    let (found, notes) = new_hosts(&setup, &lock, &request()).await;
    let expected = [
        "host-new: `bookworm` has `qemu-user-static` 1:7.2-7 for mipsel, which no image is for",
        "host-new: `sid` has `qemu-user` 1:11.1+ds-1 for riscv64, which no image is for",
        "host-new: `sid` has `qemu-user` 1:11.1+ds-1+b2 for sparc64, which no image is for",
    ];
    assert_eq!(words(&found), expected);
    let architectures: Vec<_> = found.iter().map(Finding::architecture).collect();
    assert_eq!(architectures, [Some("mipsel"), Some("riscv64"), Some("sparc64")]);
    assert_eq!(notes, [""; 0]);
    let requests = setup.server.requests().split_off(before);
    assert!(!requests.is_empty() && requests.iter().all(|path| path.starts_with("dists/")), "{requests:?}");

    // What was refused is not even asked for.
    let (found, _) = new_hosts(&setup, &lock, &refusing(&[], &["riscv64", "mipsel"])).await;
    assert_eq!(words(&found), expected[2..]);
    let fresh = Setup::new(suites());
    let before = fresh.lock().await;
    let requests = fresh.server.requests().len();
    let refused = refusing(&[], &["hppa", "m68k", "mipsel", "riscv64", "sparc64"]);
    assert_eq!(new_hosts(&fresh, &before, &refused).await, (vec![], vec![]));
    let requests = fresh.server.requests().split_off(requests);
    assert_eq!(requests, ["dists/sid/InRelease", "dists/bookworm/InRelease"]);
}

#[tokio::test]
async fn a_suite_that_no_host_needs_is_not_looked_at() {
    let [_, bookworm] = suites();
    let setup = Setup::new(vec![sid(), bookworm]);
    let lock = setup.lock().await;
    assert_eq!(new_hosts(&setup, &lock, &request()).await, (vec![], vec![]));
}

#[tokio::test]
async fn what_cannot_be_read_is_noted_and_passed_over() {
    let [sid, bookworm] = suites();
    let setup = Setup::new(vec![sid.skewed("riscv64"), bookworm.clone()]);
    let lock = setup.lock().await;
    let (found, notes) = new_hosts(&setup, &lock, &request()).await;
    let architectures: Vec<_> = found.iter().filter_map(Finding::architecture).collect();
    assert_eq!(architectures, ["mipsel", "sparc64"]);
    let [note] = &notes[..] else { panic!("{notes:?}") };
    let expected =
        "cannot look for new host `riscv64` in `sid`: cannot fetch `sid/main/binary-riscv64/Packages.xz`: ";
    assert!(note.starts_with(expected), "{note}");

    // `check` reports that a suite is gone.
    let setup = Setup::new(vec![bookworm]);
    let (found, notes) = new_hosts(&setup, &lock, &request()).await;
    assert_eq!((found.len(), notes), (2, vec![]));
}
