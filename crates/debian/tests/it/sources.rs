//! The descriptions of sources, from a signed archive to the lock.

use qus_debian::lock::Lock;
use qus_debian::resolve::{self, Request};
use qus_debian::testing::{Deb, Fault, NOW, Suite, elf};
use sha256::Digest;

use base::Hint as _;

use crate::setup::{Reports, Setup};

impl Setup {
    /// The lock, or the error with its cause and its hint; and the warnings.
    async fn try_lock(&self, request: &Request) -> (Result<Lock, String>, Vec<String>) {
        let ((fetcher, keyring), reports) = (self.parts(), Reports::default());
        let lock = resolve::resolve(&fetcher, &self.mirror, &keyring, request, &reports).await;
        let lock = lock.map_err(|error| {
            let mut text = error.to_string();
            if let resolve::Error::Sources { error, .. } = &error {
                text.push_str(&format!(": {error}"));
            }
            text + &error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default()
        });
        (lock, reports.warnings.into_inner().unwrap())
    }

    /// The lock, with no warning.
    async fn lock_with(&self, request: &Request) -> Lock {
        let (lock, warnings) = self.try_lock(request).await;
        assert_eq!(warnings, [""; 0]);
        lock.unwrap()
    }

    fn is_asked_for_sources(&self) -> bool {
        self.server.requests().iter().any(|path| path.contains("/main/source/"))
    }
}

fn request() -> Request {
    Request {
        suites: ["sid", "bookworm"].map(str::to_owned).to_vec(),
        hosts: ["amd64", "i386"].map(|name| name.parse().unwrap()).into(),
        targets: ["arm"].map(|name| name.parse().unwrap()).into(),
        sources: true,
        now: NOW,
        ..Request::default()
    }
}

fn qemu(version: &str, debian: &str) -> Deb {
    let host: arch::Host = debian.parse().unwrap();
    Deb::new("qemu-user", version, debian)
        .file("./usr/bin/qemu-arm", &elf(host.elf(), version.as_bytes()))
        .field("Source: qemu (1:11.1.3+ds-1)")
        .field("Built-Using: glibc (= 2.43-7), zlib (= 1:1.3-4)")
}

fn busybox(version: &str, debian: &str) -> Deb {
    Deb::new("busybox-static", version, debian)
        .field("Source: busybox (1:1.38.0-3)")
        .field("Static-Built-Using: glibc (= 2.43-3), rust-cfg-if (= 1.0.4-1)")
}

/// Binary packages of two hosts, rebuilt at different times from the same sources; i386 has its busybox from bookworm.
fn suites() -> [Suite; 2] {
    let sid = Suite::new("unstable", "sid")
        .package(qemu("1:11.1.3+ds-1", "amd64"))
        .package(busybox("1:1.38.0-3+b1", "amd64"))
        .package(qemu("1:11.1.3+ds-1+b2", "i386"))
        // Another version of the first, and a package that is in no image.
        .package(Deb::new("qemu-user", "1:9.0", "amd64").field("Source: qemu"))
        .package(Deb::new("other", "1", "amd64"));
    let bookworm =
        Suite::new("oldstable", "bookworm").package(Deb::new("busybox-static", "1:1.35.0-4", "i386"));
    [sid, bookworm]
}

const SOURCES: [&str; 7] = [
    "busybox 1:1.38.0-3 pool/main/b/busybox/busybox_1.38.0-3.dsc",
    "busybox-static 1:1.35.0-4 pool/main/b/busybox-static/busybox-static_1.35.0-4.dsc",
    "glibc 2.43-3 pool/main/g/glibc/glibc_2.43-3.dsc",
    "glibc 2.43-7 pool/main/g/glibc/glibc_2.43-7.dsc",
    "qemu 1:11.1.3+ds-1 pool/main/q/qemu/qemu_11.1.3+ds-1.dsc",
    "rust-cfg-if 1.0.4-1 pool/main/r/rust-cfg-if/rust-cfg-if_1.0.4-1.dsc",
    "zlib 1:1.3-4 pool/main/z/zlib/zlib_1.3-4.dsc",
];

fn lines(lock: &Lock) -> Vec<String> {
    let line = |(source, dsc): (&qus_debian::about::Source, &qus_debian::lock::Dsc)| {
        format!("{} {} {}", source.name, source.version, dsc.path)
    };
    lock.sources().iter().map(line).collect()
}

#[tokio::test]
async fn each_source_of_a_locked_package_is_pinned_once() {
    let setup = Setup::new(suites());
    let lock = setup.lock_with(&request()).await;
    assert_eq!(lines(&lock), SOURCES);
    // The digests are those of the files.
    for dsc in lock.sources().values() {
        assert_eq!(dsc.digest, Digest::of(&setup.built.files[&dsc.path]), "{}", dsc.path);
    }
    assert_eq!(Lock::parse(&lock.to_string()), Ok(lock));
}

#[tokio::test]
async fn nobody_who_does_not_ask_reads_sources() {
    let setup = Setup::new(suites());
    let lock = setup.lock_with(&Request { sources: false, ..request() }).await;
    assert_eq!((lines(&lock), setup.is_asked_for_sources()), (vec![], false));
}

#[tokio::test]
async fn a_comparison_is_about_packages() {
    let setup = Setup::new(suites());
    let [old, new] = [false, true].map(|sources| Request { sources, ..request() });
    let (old, new) = (setup.lock_with(&old).await, setup.lock_with(&new).await);
    assert_ne!(old, new);
    let resolution = resolve::Resolution { lock: new, rejected: Vec::new(), unknown: Vec::new() };
    assert!(resolve::compare(&request(), &old, Ok(&resolution), &[]).is_empty());
}

#[tokio::test]
async fn a_suite_without_sources_leaves_them_out() {
    let [sid, bookworm] = suites();
    let setup = Setup::new([sid, bookworm.without_sources()]);
    let (lock, warnings) = setup.try_lock(&request()).await;
    let mut expected = SOURCES.to_vec();
    expected.remove(1);
    assert_eq!(lines(&lock.unwrap()), expected);
    assert_eq!(
        warnings,
        [
            "warning: `bookworm`: its InRelease lists no `Sources`, and so no `busybox-static` 1:1.35.0-4: the lock has no digest of that"
        ]
    );
}

#[tokio::test]
async fn a_source_that_is_gone_is_left_out_unless_it_was_known() {
    let [sid, bookworm] = suites();
    let before = Setup::new([sid.clone(), bookworm.clone()]).lock_with(&request()).await;
    let setup = Setup::new([sid.without_source("rust-cfg-if").without_source("glibc"), bookworm]);
    let (lock, warnings) = setup.try_lock(&request()).await;
    let of = |part: &str| SOURCES.into_iter().filter(|line| line.contains(part)).count();
    assert_eq!((lines(&lock.unwrap()).len(), of("glibc") + of("rust-cfg-if")), (4, 3));
    assert_eq!(
        warnings,
        ["warning: `sid`: its `Sources` has no `glibc` 2.43-3, `glibc` 2.43-7, `rust-cfg-if` 1.0.4-1: \
          the lock has no digest of that"]
    );
    let again = Request { previous: Some(before.clone()), ..request() };
    assert_eq!(setup.lock_with(&again).await.sources(), before.sources());
}

#[tokio::test]
async fn the_archive_counts_more_than_the_lock_before() {
    let setup = Setup::new(suites());
    let lock = setup.lock_with(&request()).await;
    let mut sources = lock.sources().clone();
    for dsc in sources.values_mut() {
        dsc.digest = Digest::of(b"other");
    }
    let edited = lock.clone().with_sources(sources);
    assert_eq!(setup.lock_with(&Request { previous: Some(edited), ..request() }).await, lock);
}

/// A stanza of a source that packages name, with the digest of `of`.
fn stanza(folder: &str, of: &str) -> String {
    let hex = Digest::of(of.as_bytes()).hex();
    format!(
        "Package: glibc\nVersion: 2.43-7\nChecksums-Sha256:\n {hex} 5 glibc_2.43-7.dsc\nDirectory: {folder}\n"
    )
}

#[tokio::test]
async fn a_bad_stanza_is_named() {
    // All that can be wrong with one is in the parser's own tests.
    let [sid, bookworm] = suites();
    let setup = Setup::new([sid.source(&stanza("pool/../../x", "x")), bookworm]);
    let (lock, _) = setup.try_lock(&request()).await;
    let expected = "package `glibc`: `pool/../../x/glibc_2.43-7.dsc` is no path in an archive";
    assert_eq!(lock.unwrap_err(), format!("cannot read `Sources` of `sid`: {expected}"));
}

#[tokio::test]
async fn two_suites_agree_about_a_source() {
    let [sid, _] = suites();
    let deb = Deb::new("busybox-static", "1:1.35.0-4", "i386").field("Built-Using: glibc (= 2.43-7)");
    let same = Suite::new("oldstable", "bookworm").package(deb);
    assert_eq!(lines(&Setup::new([sid.clone(), same.clone()]).lock_with(&request()).await), SOURCES);
    let other = same.without_source("glibc").source(&stanza("pool/main/g/glibc", "other"));
    let (lock, _) = Setup::new([sid, other]).try_lock(&request()).await;
    assert_eq!(lock.unwrap_err(), "source `glibc` 2.43-7 is there twice");
}

#[tokio::test]
async fn a_mirror_with_other_sources_is_found_out() {
    let [sid, bookworm] = suites();
    let setup = Setup::new([sid.clone().skewed("source"), bookworm.clone()]);
    let (lock, _) = setup.try_lock(&request()).await;
    assert_eq!(
        lock.unwrap_err(),
        "`Sources` of `sid` does not match its InRelease: the mirror is skewed \
         (try again when the mirror has caught up, or another with --mirror)"
    );

    // One that has none at all, such as a partial copy.
    let setup = Setup::new([sid.without_by_hash(), bookworm]);
    let path = "dists/sid/main/source/Sources.xz";
    setup.server.always(path, Fault::Status(404, None));
    let (lock, _) = setup.try_lock(&request()).await;
    let url = setup.server.url();
    let error = lock.unwrap_err();
    let expected = format!("cannot fetch `sid/main/source/Sources.xz`: {url}/{path}: HTTP 404 Not Found");
    assert!(error.starts_with(&expected), "{error}");
}
