//! The fate of a lock when Debian is restructured: each case on a signed archive of its own.

use crate::setup::Setup;
use crate::two_hosts::{bookworm, busybox, full, qemu, request, sid, sid_with, targets, words};
use arch::Target;
use qus_debian::lock::Lock;
use qus_debian::progress::Silent;
use qus_debian::resolve::{self, Comparison};
use qus_debian::testing::{Deb, Suite};

/// The differences of the archive from `old`, and the error if no lock can be made any more.
async fn compare(setup: &Setup, old: &Lock) -> (Comparison, Option<String>) {
    let ((fetcher, keyring), request) = (setup.parts(), request());
    let changes = resolve::check(old, &fetcher, &setup.mirror, &keyring, &request, &Silent).await.unwrap();
    let new = resolve::look(&fetcher, &setup.mirror, &keyring, &request, &Silent).await;
    let error = new.as_ref().err().map(|error| {
        assert!(error.is_finding(), "{error}");
        error.to_string()
    });
    (resolve::compare(&request, old, new.as_ref(), &changes), error)
}

/// `amd64 sid qemu-user 11 -> 12 +aarch64 -arm`, for each row; then the findings.
fn summary(comparison: &Comparison) -> Vec<String> {
    let row = |row: &resolve::Row| {
        let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "-".to_owned());
        let (old, new) = (version(&row.old), version(&row.new));
        let mut text = format!("{} {} {} {old} -> {new}", row.host, row.suite, row.package);
        row.gained.iter().for_each(|target| text.push_str(&format!(" +{target}")));
        row.lost.iter().for_each(|target| text.push_str(&format!(" -{target}")));
        text
    };
    comparison.rows.iter().map(row).chain(words(&comparison.findings)).collect()
}

/// From sid and bookworm to `suites`.
async fn check(suites: Vec<Suite>, expected: &[&str], error: Option<&str>) {
    let old = Setup::new(vec![sid(), bookworm()]).lock().await;
    let (comparison, actual) = compare(&Setup::new(suites), &old).await;
    assert_eq!(summary(&comparison), expected);
    assert_eq!(actual.as_deref(), error);
}

#[tokio::test]
async fn nothing_newer_is_no_finding() {
    check(vec![sid(), bookworm()], &[], None).await;
}

#[tokio::test]
async fn a_new_version_is_a_row_and_no_finding() {
    let suite =
        sid_with([full("qemu-user", "1:12.0+ds-1", "amd64"), full("qemu-user", "1:11.1+ds-1", "s390x")]);
    check(vec![suite, bookworm()], &["amd64 sid qemu-user 1:11.1+ds-1 -> 1:12.0+ds-1"], None).await;
}

#[tokio::test]
async fn programs_that_moved_to_another_package_are_found() {
    let suite = sid_with(["amd64", "s390x"].into_iter().flat_map(|debian| {
        let links = Deb::new("qemu-user", "1:12.0+ds-1", debian);
        let links = links.link("./usr/bin/qemu-arm", "qemu-arm-static");
        [full("qemu-user-static", "1:12.0+ds-1", debian), links]
    }));
    let expected = [
        "amd64 sid qemu-user 1:11.1+ds-1 -> - -aarch64 -arm -mips",
        "amd64 sid qemu-user-static - -> 1:12.0+ds-1 +aarch64 +arm +mips",
        "s390x sid qemu-user 1:11.1+ds-1 -> - -aarch64 -arm -mips",
        "s390x sid qemu-user-static - -> 1:12.0+ds-1 +aarch64 +arm +mips",
        "programs-moved: in `sid`, aarch64, arm, mips for amd64, s390x moved from `qemu-user` to `qemu-user-static`",
    ];
    check(vec![suite, bookworm()], &expected, None).await;
}

#[tokio::test]
async fn a_package_that_is_gone_is_found() {
    let suite = sid_with([full("qemu-user", "1:11.1+ds-1", "amd64")]);
    let expected = [
        "s390x sid qemu-user 1:11.1+ds-1 -> - -aarch64 -arm -mips",
        "s390x bookworm qemu-user-static - -> 1:7.2-7 +aarch64 +arm +mips",
        "package-gone: `sid` has no `qemu-user` for s390x any more",
        "older-suite: aarch64, arm, mips for s390x: not in `sid` any more, taken from `bookworm` (1:7.2-7)",
    ];
    check(vec![suite, bookworm()], &expected, None).await;
}

#[tokio::test]
async fn programs_that_became_dynamic_are_found() {
    let [aarch64, arm, mips] = targets();
    let suite = sid_with([
        qemu("qemu-user", "1:12.0+ds-1", "amd64", &[arm, mips], &[aarch64]),
        full("qemu-user", "1:11.1+ds-1", "s390x"),
    ]);
    let expected = [
        "amd64 sid qemu-user 1:11.1+ds-1 -> 1:12.0+ds-1 -aarch64",
        "amd64 bookworm qemu-user-static - -> 1:7.2-7 +aarch64",
        "not-static: in `sid`, `qemu-user` 1:12.0+ds-1 has no static aarch64 for amd64: its `qemu-aarch64` is not \
         static: it asks for the loader /lib/ld.so",
        "older-suite: aarch64 for amd64: not in `sid` any more, taken from `bookworm` (1:7.2-7)",
    ];
    check(vec![suite, bookworm()], &expected, None).await;
}

#[tokio::test]
async fn a_target_that_the_newest_suite_lacks_falls_back_and_is_found() {
    let [aarch64, arm, _] = targets();
    let qemu = |debian: &str| qemu("qemu-user", "1:12.0+ds-1", debian, &[aarch64, arm], &[]);
    let suite = sid_with(["amd64", "s390x"].map(qemu));
    let expected = [
        "amd64 sid qemu-user 1:11.1+ds-1 -> 1:12.0+ds-1 -mips",
        "amd64 bookworm qemu-user-static - -> 1:7.2-7 +mips",
        "s390x sid qemu-user 1:11.1+ds-1 -> 1:12.0+ds-1 -mips",
        "s390x bookworm qemu-user-static - -> 1:7.2-7 +mips",
        "older-suite: mips for amd64, s390x: not in `sid` any more, taken from `bookworm` (1:7.2-7)",
    ];
    check(vec![suite, bookworm()], &expected, None).await;
}

#[tokio::test]
async fn a_cell_that_is_lost_everywhere_is_an_error_that_names_it() {
    let [aarch64, arm, mips] = targets();
    let suite = |suite: &str, codename: &str, version: &str, dynamic: &[Target]| {
        let suite = Suite::new(suite, codename)
            .package(qemu("qemu-user", version, "amd64", &[aarch64, arm], dynamic))
            .package(full("qemu-user", version, "s390x"));
        suite.package(busybox("amd64")).package(busybox("s390x"))
    };
    let expected = [
        "amd64 sid qemu-user 1:11.1+ds-1 -> 1:12.0+ds-1",
        "s390x sid qemu-user 1:11.1+ds-1 -> 1:12.0+ds-1",
        "not-static: in `sid`, `qemu-user` 1:12.0+ds-1 has no static mips for amd64: its `qemu-mips` is not static: \
         it asks for the loader /lib/ld.so",
        "lost: no suite has mips for amd64 any more",
    ];
    check(
        vec![
            suite("unstable", "sid", "1:12.0+ds-1", &[mips]),
            suite("oldstable", "bookworm", "1:7.2-8", &[]),
        ],
        &expected,
        Some(
            "no suite of `sid`, `bookworm` has target `mips` for host `amd64`; in `sid`, the `qemu-mips` of \
             `qemu-user` 1:12.0+ds-1 is not static: it asks for the loader /lib/ld.so",
        ),
    )
    .await;
}

#[tokio::test]
async fn a_host_that_the_newest_suite_lacks_is_found() {
    let suite = Suite::new("unstable", "sid").package(full("qemu-user", "1:11.1+ds-1", "amd64"));
    let suite = suite.package(busybox("amd64"));
    let expected = [
        "s390x sid qemu-user 1:11.1+ds-1 -> - -aarch64 -arm -mips",
        "s390x bookworm qemu-user-static - -> 1:7.2-7 +aarch64 +arm +mips",
        "s390x sid busybox-static 1:1.38-3 -> -",
        "s390x bookworm busybox-static - -> 1:1.38-3",
        "host-gone: `sid` has nothing for s390x any more",
        "older-suite: aarch64, arm, mips for s390x: not in `sid` any more, taken from `bookworm` (1:7.2-7)",
    ];
    check(vec![suite, bookworm()], &expected, None).await;
}

#[tokio::test]
async fn a_host_that_is_lost_everywhere_is_an_error_that_names_it() {
    let one = |suite: &str, codename: &str| {
        let suite = Suite::new(suite, codename).package(full("qemu-user", "1:11.1+ds-1", "amd64"));
        suite.package(busybox("amd64"))
    };
    let expected = [
        "host-gone: `sid` has nothing for s390x any more",
        "no-busybox: no suite has a static busybox for s390x any more",
        "lost: no suite has aarch64, arm, mips for s390x any more",
    ];
    check(
        vec![one("unstable", "sid"), one("oldstable", "bookworm")],
        &expected,
        Some(
            "no suite of `sid`, `bookworm` has target `aarch64`, target `arm`, target `mips`, busybox for host `s390x`",
        ),
    )
    .await;
}

#[tokio::test]
async fn a_suite_that_is_gone_is_found() {
    let old = Setup::new(vec![sid(), bookworm()]).lock().await;
    let (comparison, error) = compare(&Setup::new(vec![bookworm()]), &old).await;
    assert_eq!(summary(&comparison), ["suite-gone: the archive has no suite `sid` any more"]);
    assert!(error.unwrap().starts_with("cannot fetch `sid/InRelease`"));
}
