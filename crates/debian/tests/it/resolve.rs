//! The whole line, from a signed archive on a server to a lock.

use arch::Target;
use base::Hint as _;
use qus_debian::Cache;
use qus_debian::lock::Lock;
use qus_debian::progress::Silent;
use qus_debian::resolve::{self, Request};
use qus_debian::testing::{Archive, Deb, Fault, NOW, Suite, elf};

use crate::setup::{Reports, Setup, chain};
use crate::two_hosts::host;

const DAY: i64 = 24 * 3600;

/// A package of QEMU with static programs for these targets, in a layout with or without `-static`.
fn qemu(name: &str, version: &str, debian: &str, targets: &[&str]) -> Deb {
    let suffix = if name.ends_with("-static") { "-static" } else { "" };
    let deb = Deb::new(name, version, debian);
    targets.iter().fold(deb, |deb, target| {
        let contents = format!("{target} {version} {}", "x".repeat(500));
        deb.file(&format!("./usr/bin/qemu-{target}{suffix}"), &elf(host(debian).elf(), contents.as_bytes()))
    })
}

fn busybox(version: &str, debian: &str) -> Deb {
    Deb::new("busybox-static", version, debian).file("./bin/busybox", &elf(host(debian).elf(), b"busybox"))
}

/// As the real ones: sid is full for amd64, half empty for i386, and lacks armel; bookworm has the rest under
/// other names, and links or scripts besides.
fn suites() -> [Suite; 2] {
    let links =
        Deb::new("qemu-user-static", "1:11.1+ds-1", "amd64").link("./usr/bin/qemu-arm-static", "qemu-arm");
    let scripts = Deb::new("qemu-user", "1:7.2+dfsg-7", "i386").file("./usr/bin/qemu-arm", b"#!/bin/sh\n");
    let sid = Suite::new("unstable", "sid")
        .package(qemu("qemu-user", "1:11.1.3+ds-1", "amd64", &["arm", "aarch64", "mips"]))
        .package(links)
        .package(busybox("1:1.38-3", "amd64"))
        .package(qemu("qemu-user", "1:10.2.2+ds-1", "i386", &["arm", "mips"]))
        .package(qemu("qemu-user", "1:9.9", "i386", &["arm", "mips", "hppa"]));
    let bookworm = Suite::new("oldstable", "bookworm")
        .date(NOW - 90 * DAY)
        .package(qemu("qemu-user-static", "1:7.2+dfsg-7", "i386", &["arm", "aarch64", "mips", "cris"]))
        .package(scripts)
        .package(busybox("1:1.35-4", "i386"))
        .package(qemu("qemu-user-static", "1:7.2+dfsg-7", "armel", &["arm", "aarch64", "mips"]))
        .package(busybox("1:1.35-4", "armel"));
    [sid, bookworm]
}

impl Setup {
    async fn resolve(&self, request: &Request) -> Result<Lock, resolve::Error> {
        let (fetcher, keyring) = self.parts();
        resolve::resolve(&fetcher, &self.mirror, &keyring, request, &Silent).await
    }

    async fn check(&self, lock: &Lock) -> Result<Vec<String>, resolve::Error> {
        let (fetcher, keyring) = self.parts();
        let request = Request { now: NOW, ..Request::default() };
        let changes = resolve::check(lock, &fetcher, &self.mirror, &keyring, &request, &Silent).await?;
        Ok(changes.iter().map(ToString::to_string).collect())
    }

    /// The files that were fetched out of the pool.
    fn packages(&self) -> Vec<String> {
        let pool = self.server.requests().into_iter();
        pool.filter_map(|path| path.strip_prefix("pool/main/").map(str::to_owned)).collect()
    }
}

fn request(hosts: &[&str]) -> Request {
    Request {
        suites: ["sid", "bookworm"].map(str::to_owned).to_vec(),
        hosts: hosts.iter().map(|name| host(name)).collect(),
        targets: ["arm", "aarch64", "mips"].map(|name| name.parse().unwrap()).into(),
        now: NOW,
        ..Request::default()
    }
}

/// `amd64 sid qemu-user 1:11.1.3+ds-1 aarch64,arm,mips`, for each package.
fn summary(lock: &Lock) -> Vec<String> {
    let line = |package: &qus_debian::lock::Package| {
        let targets: Vec<&str> = package.targets().map(Target::name).collect();
        let line = format!("{} {} {} {} ", package.host, package.suite, package.name, package.version);
        (line + &targets.join(",")).trim_end().to_owned()
    };
    lock.packages().iter().map(line).collect()
}

/// `amd64 sid aarch64,arm`, for each package that a series has something of.
fn of_series(lock: &Lock) -> Vec<String> {
    let with_series = lock.packages().iter().filter(|package| !package.series.is_empty());
    let line = |package: &qus_debian::lock::Package| {
        let targets: Vec<&str> = package.series.iter().map(|target| target.name()).collect();
        format!("{} {} {}", package.host, package.suite, targets.join(","))
    };
    with_series.map(line).collect()
}

#[tokio::test]
async fn a_series_has_all_that_its_suite_has_and_shares_packages_with_the_newest() {
    let setup = Setup::new(suites());
    let hosts = ["amd64", "i386", "armel"];
    let request = Request { series: vec!["sid".to_owned(), "bookworm".to_owned()], ..request(&hosts) };
    let lock = setup.resolve(&request).await.unwrap();
    let expected = [
        "amd64 sid aarch64,arm,mips",
        "i386 sid arm,mips",
        "i386 bookworm aarch64,arm,mips",
        "arm32v6 bookworm aarch64,arm,mips",
    ];
    assert_eq!(of_series(&lock), expected);
    assert_eq!(lock.series().collect::<Vec<_>>(), ["sid", "bookworm"]);
    // Nothing is there twice, and the newest is what it would be alone.
    let alone = setup.resolve(&Request { series: Vec::new(), ..request.clone() }).await.unwrap();
    assert_eq!(lock.packages().len(), alone.packages().len());
    assert_eq!(lock.newest(), alone);
    assert_eq!(Lock::parse(&lock.to_string()).unwrap(), lock);

    // As a lock of its own, it has no other host, and the same busybox.
    let bookworm = lock.of_series("bookworm");
    assert_eq!(
        summary(&bookworm),
        [
            "i386 bookworm qemu-user-static 1:7.2+dfsg-7 aarch64,arm,mips",
            "i386 bookworm busybox-static 1:1.35-4",
            "arm32v6 bookworm qemu-user-static 1:7.2+dfsg-7 aarch64,arm,mips",
            "arm32v6 bookworm busybox-static 1:1.35-4",
        ]
    );

    // A host of which the newest needs nothing of the suite, and one that is passed over.
    let without = [("bookworm".to_owned(), host("armel"))].into();
    let request = Request { without, series: vec!["bookworm".to_owned()], ..request };
    let request = Request { hosts: [host("amd64"), host("i386")].into(), ..request };
    let lock = setup.resolve(&request).await.unwrap();
    assert_eq!(of_series(&lock), ["i386 bookworm aarch64,arm,mips"]);
}

#[tokio::test]
async fn a_package_of_several_series_is_looked_into_once() {
    let setup = Setup::new(suites());
    let request = Request {
        series: vec!["sid".to_owned(), "bookworm".to_owned()],
        ..request(&["amd64", "i386", "armel"])
    };
    let (fetcher, keyring) = setup.parts();
    // From the cache come the packages that an earlier run has fetched, and those that this one looks into again.
    for times in [0, 1] {
        let reports = Reports::default();
        resolve::look(&fetcher, &setup.mirror, &keyring, &request, &reports).await.unwrap();
        let details = reports.details.into_inner().unwrap();
        for package in setup.packages() {
            let file = package.rsplit('/').next().unwrap();
            let mentioned =
                details.iter().filter(|detail| detail.ends_with(&format!("in the cache: {file}")));
            assert_eq!(mentioned.count(), times, "{file}: {details:?}");
        }
    }
    assert_eq!(setup.packages().len(), 4);
}

#[tokio::test]
async fn changes_are_reported_for_each_series() {
    let setup = Setup::new(suites());
    let request = Request { series: vec!["bookworm".to_owned()], ..request(&["amd64", "i386"]) };
    let old = setup.resolve(&request).await.unwrap();
    // bookworm loses what it alone had for i386, which the newest used, and something that only its series had.
    let [sid, _] = suites();
    let bookworm = Suite::new("oldstable", "bookworm")
        .date(NOW - 90 * DAY)
        .package(qemu("qemu-user-static", "1:7.3", "i386", &["aarch64", "mips"]))
        .package(busybox("1:1.35-4", "i386"));
    let setup = Setup::new([sid, bookworm]);
    let (fetcher, keyring) = setup.parts();
    let new = resolve::look(&fetcher, &setup.mirror, &keyring, &request, &Silent).await.unwrap();
    let changes = resolve::check(&old, &fetcher, &setup.mirror, &keyring, &request, &Silent).await.unwrap();
    let comparison = resolve::compare(&request, &old, Ok(&new), &changes);
    let findings: Vec<String> = comparison.findings.iter().map(ToString::to_string).collect();
    assert_eq!(findings, ["the series `bookworm` has arm for i386 no more"]);
    let text = resolve::changes::table(&comparison, &resolve::Concessions::default());
    let rows: Vec<Vec<&str>> =
        text.lines().skip(3).map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    let row = |series| [series, "bookworm", "i386", "qemu-user-static", "1:7.2+dfsg-7", "1:7.3"];
    assert_eq!(rows, [&row("newest")[..], &[&row("bookworm")[..], &["-arm"]].concat()]);
    // Without a new lock, too.
    let gone = resolve::compare(&request, &old, Err(&resolve::Error::Interrupted), &changes);
    let series: Vec<Option<&str>> = gone.rows.iter().map(|row| row.series.as_deref()).collect();
    assert_eq!(series, [None, Some("bookworm")]);
}

#[tokio::test]
async fn a_choice_is_no_event_in_the_archive() {
    let setup = Setup::new(suites());
    let request = Request { series: vec!["bookworm".to_owned()], ..request(&["amd64", "i386"]) };
    let (fetcher, keyring) = setup.parts();
    let newest = resolve::look(&fetcher, &setup.mirror, &keyring, &request, &Silent).await.unwrap().lock;
    let cell = (host("i386"), "arm".parse().unwrap());
    let chosen = newest.with_choices(&[(cell, "bookworm".to_owned())].into()).unwrap();
    assert_eq!(
        summary(&chosen)[2..4],
        ["i386 sid qemu-user 1:10.2.2+ds-1 mips", "i386 bookworm qemu-user-static 1:7.2+dfsg-7 aarch64,arm"]
    );
    // The archive has what the lock has, whichever it is.
    for lock in [&newest, &chosen] {
        assert_eq!(setup.check(lock).await.unwrap(), [""; 0]);
    }
    let compare = |old: &Lock, new: &Lock| {
        let new = resolve::Resolution { lock: new.clone(), rejected: Vec::new(), unknown: Vec::new() };
        let comparison = resolve::compare(&request, old, Ok(&new), &[]);
        let findings =
            comparison.findings.iter().map(|finding| format!("{}: {finding}", finding.kind.name()));
        let rows = comparison.rows.iter().map(|row| {
            let names = |targets: &std::collections::BTreeSet<Target>| {
                targets.iter().map(|target| target.name()).collect::<Vec<_>>().join(",")
            };
            format!("{} {} +{} -{}", row.host, row.suite, names(&row.gained), names(&row.lost))
        });
        rows.chain(findings).collect::<Vec<_>>()
    };
    assert_eq!(compare(&chosen, &chosen), [""; 0]);
    assert_eq!(
        compare(&newest, &chosen),
        [
            "i386 sid + -arm",
            "i386 bookworm +arm -",
            "chosen: arm for i386: `bookworm` (1:7.2+dfsg-7) is chosen, and the lock has `sid`"
        ]
    );
    assert_eq!(
        compare(&chosen, &newest),
        [
            "i386 sid +arm -",
            "i386 bookworm + -arm",
            "chosen: arm for i386: `sid` (1:10.2.2+ds-1) is chosen, and the lock has `bookworm`"
        ]
    );
}

#[tokio::test]
async fn a_series_without_qemu_is_an_error() {
    let setup = Setup::new(suites());
    let request = Request { series: vec!["bookworm".to_owned()], ..request(&["amd64"]) };
    let error = setup.resolve(&request).await.unwrap_err();
    assert_eq!(error.to_string(), "the series `bookworm` has no QEMU for any of the hosts");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn each_cell_takes_the_newest_suite_that_has_it() {
    let setup = Setup::new(suites());
    let lock = setup.resolve(&request(&["amd64", "i386", "armel"])).await.unwrap();
    assert_eq!(
        summary(&lock),
        [
            "amd64 sid qemu-user 1:11.1.3+ds-1 aarch64,arm,mips",
            "amd64 sid busybox-static 1:1.38-3",
            "i386 sid qemu-user 1:10.2.2+ds-1 arm,mips",
            "i386 bookworm qemu-user-static 1:7.2+dfsg-7 aarch64",
            "i386 bookworm busybox-static 1:1.35-4",
            "arm32v6 bookworm qemu-user-static 1:7.2+dfsg-7 aarch64,arm,mips",
            "arm32v6 bookworm busybox-static 1:1.35-4",
        ]
    );
    // Only what may fill a cell was opened, and no busybox at all. (Several hosts at a time, so in any order.)
    let mut packages = setup.packages();
    packages.sort_unstable();
    assert_eq!(
        packages,
        [
            "qemu-user-static_7.2+dfsg-7_armel.deb",
            "qemu-user-static_7.2+dfsg-7_i386.deb",
            "qemu-user_10.2.2+ds-1_i386.deb",
            "qemu-user_11.1.3+ds-1_amd64.deb",
        ]
    );
    let dates: Vec<i64> = lock.suites().iter().map(|suite| suite.date).collect();
    assert_eq!(dates, [NOW, NOW - 90 * DAY]);
    assert_eq!(Lock::parse(&lock.to_string()), Ok(lock));
}

#[tokio::test]
async fn a_full_host_never_asks_the_next_suite() {
    let setup = Setup::new(suites());
    let lock = setup.resolve(&request(&["amd64"])).await.unwrap();
    assert_eq!(lock.suites().len(), 1);
    assert!(setup.server.requests().iter().all(|path| !path.contains("bookworm")));
}

#[tokio::test]
async fn retired_targets_come_when_they_are_named() {
    let setup = Setup::new(suites());
    let mut request = request(&["i386"]);
    request.targets.insert("cris".parse().unwrap());
    let lock = setup.resolve(&request).await.unwrap();
    assert_eq!(lock.cell(host("i386"), "cris".parse().unwrap()).unwrap().suite, "bookworm");
    // No suite has it for this host, which keeps nobody from the rest.
    request.hosts.insert(host("amd64"));
    let lock = setup.resolve(&request).await.unwrap();
    assert!(lock.cell(host("amd64"), "cris".parse().unwrap()).is_none());
    request.targets.insert("i486".parse().unwrap());
    let error = setup.resolve(&request).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no suite of `sid`, `bookworm` has target `i386` for host `amd64`; \
         target `i386` for host `i386`"
    );
    assert_eq!(qus_debian::hint(&error).as_deref(), Some("a further suite in images.toml may have it"));
}

#[tokio::test]
async fn a_package_for_all_architectures_holds_no_programs() {
    let [sid, bookworm] = suites();
    // Larger than the real one, so that it would be looked into first.
    let contents: Vec<u8> = (0..90_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
    let dummy = Deb::new("qemu-user-static", "1:99-1", "all").file("./usr/share/doc/x", &contents);
    let expected = Setup::new([sid.clone(), bookworm.clone()]).resolve(&request(&["amd64"])).await.unwrap();
    let lock = Setup::new([sid.package(dummy), bookworm]).resolve(&request(&["amd64"])).await.unwrap();
    assert_eq!(summary(&lock), summary(&expected));
}

fn check_skewed(error: &resolve::Error, architectures: &str, options: &str) {
    let expected =
        format!("`Packages` of `sid` for {architectures} does not match its InRelease: the mirror is skewed");
    assert_eq!(error.to_string(), expected);
    let hint = format!(
        "try again when the mirror has caught up, or another with --mirror; {options} passes it over"
    );
    assert_eq!(error.hint(), Some(hint));
}

#[tokio::test]
async fn a_skewed_mirror_is_named_and_can_be_passed_over() {
    let [sid, bookworm] = suites();
    let setup = Setup::new([sid.skewed("i386"), bookworm]);
    // Others do not notice.
    setup.resolve(&request(&["amd64"])).await.unwrap();
    let mut request = request(&["amd64", "i386"]);
    let error = setup.resolve(&request).await.unwrap_err();
    check_skewed(&error, "`i386`", "--without sid/i386");
    request.without.insert(("sid".to_owned(), host("i386")));
    let lock = setup.resolve(&request).await.unwrap();
    assert_eq!(lock.cell(host("i386"), "arm".parse().unwrap()).unwrap().suite, "bookworm");
    assert_eq!(lock.suite("sid").unwrap().without, [host("i386")].into());

    // Also where nobody else asks that suite; and only what made a difference.
    request.hosts = [host("i386")].into();
    request.without.insert(("bookworm".to_owned(), host("amd64")));
    let lock = setup.resolve(&request).await.unwrap();
    assert_eq!(lock.suite("sid").unwrap().without, [host("i386")].into());
    assert_eq!(lock.suite("bookworm").unwrap().without, [].into());
}

#[tokio::test]
async fn all_skewed_architectures_are_named_at_once() {
    let [sid, bookworm] = suites();
    let setup = Setup::new([sid.skewed("i386").skewed("amd64"), bookworm]);
    let error = setup.resolve(&request(&["amd64", "i386", "armel"])).await.unwrap_err();
    check_skewed(&error, "`amd64`, `i386`", "--without sid/amd64 --without sid/i386");
}

#[tokio::test]
async fn an_expired_suite_is_named_and_can_be_allowed() {
    let [sid, bookworm] = suites();
    let setup = Setup::new([sid.date(NOW - 9 * DAY).valid_until(NOW - DAY), bookworm]);
    let mut request = request(&["amd64"]);
    let error = setup.resolve(&request).await.unwrap_err();
    assert_eq!(chain(&error), "InRelease of `sid` has expired: it was valid until 2025-12-31T00:00:00Z");
    request.allow_expired.insert("sid".to_owned());
    let lock = setup.resolve(&request).await.unwrap();
    assert!(lock.suite("sid").unwrap().allow_expired);
    // What the lock records holds for checking it, too.
    assert_eq!(setup.check(&lock).await.unwrap(), [""; 0]);
}

/// sid with one package, at a date and in a version.
fn small(days: i64, version: &str) -> [Suite; 2] {
    let sid = Suite::new("unstable", "sid")
        .date(NOW - days * DAY)
        .package(qemu("qemu-user", version, "amd64", &["arm", "aarch64", "mips"]))
        .package(busybox("1:1.38-3", "amd64"));
    [sid, Suite::new("oldstable", "bookworm")]
}

#[tokio::test]
async fn a_suite_and_its_packages_go_forward_only() {
    let lock = Setup::new(small(2, "1:11.1.3+ds-1")).resolve(&request(&["amd64"])).await.unwrap();
    assert!(!lock.suite("sid").unwrap().allow_older);
    let hint = "the mirror may be stale, or somebody plays back an old state: --mirror names another; \
                --allow-older sid takes it as it is";
    let older_suite =
        "InRelease of `sid` is older than the lock's: 2025-12-29T00:00:00Z, not 2025-12-30T00:00:00Z";
    let older_package = "`qemu-user` of `sid` for host `amd64` is older than the lock's: 1:11.1.3~rc1+ds-1, not 1:11.1.3+ds-1";
    for (days, version, refused) in [
        (2, "1:11.1.3+ds-1", None),
        (1, "1:11.1.3+ds-2", None),
        (1, "2:1.0-1", None),
        (3, "1:11.1.3+ds-1", Some(older_suite)),
        (3, "1:12.0+ds-1", Some(older_suite)),
        (1, "1:11.1.3~rc1+ds-1", Some(older_package)),
    ] {
        let setup = Setup::new(small(days, version));
        let mut request = Request { previous: Some(lock.clone()), ..request(&["amd64"]) };
        let resolved = setup.resolve(&request).await;
        let checked = setup.check(&lock).await;
        if let Some(refused) = refused {
            let error = resolved.unwrap_err();
            assert_eq!(error.to_string(), refused);
            assert_eq!(error.hint().as_deref(), Some(hint));
            assert!(!error.is_finding());
            assert_eq!(checked.unwrap_err().to_string(), refused);
            assert_eq!(setup.packages(), [""; 0], "nothing was fetched on the word of an old state");
        } else {
            assert!(!resolved.unwrap().suite("sid").unwrap().allow_older);
            checked.unwrap();
        }
        // By name it is taken, and the lock says so only if it made a difference.
        request.allow_older.insert("sid".to_owned());
        let conceded = setup.resolve(&request).await.unwrap();
        assert_eq!(conceded.suite("sid").unwrap().allow_older, refused.is_some(), "{days} {version}");
        assert_eq!(Lock::parse(&conceded.to_string()), Ok(conceded.clone()));
        // What the lock records holds for checking it, too.
        assert_eq!(setup.check(&conceded).await.unwrap(), [""; 0]);
    }
}

#[tokio::test]
async fn another_host_or_suite_says_nothing_of_an_old_one() {
    let [sid, bookworm] = suites();
    let lock = Setup::new([sid.clone(), bookworm.clone()]).resolve(&request(&["i386"])).await.unwrap();
    // The other host's package is older than this one's was, and that is its own affair.
    let request = Request { previous: Some(lock), ..request(&["amd64", "armel"]) };
    Setup::new([sid, bookworm]).resolve(&request).await.unwrap();
}

#[tokio::test]
async fn concessions_for_suites_that_are_not_asked_are_mistakes() {
    let setup = Setup::new(suites());
    let (bullseye, wanted) = ("bullseye".to_owned(), request(&["amd64"]));
    let without = [(bullseye.clone(), host("amd64"))].into();
    for (option, request) in [
        ("--without", Request { without, ..wanted.clone() }),
        ("--allow-older", Request { allow_older: [bullseye].into(), ..wanted }),
    ] {
        let expected = format!("{option} names suite `bullseye`, which is not one of `sid`, `bookworm`");
        assert_eq!(setup.resolve(&request).await.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn a_mirror_without_by_hash_will_do() {
    let [sid, bookworm] = suites();
    let setup = Setup::new([sid.without_by_hash(), bookworm]);
    setup.resolve(&request(&["amd64"])).await.unwrap();
    assert!(setup.server.requests().contains(&"dists/sid/main/binary-amd64/Packages.xz".to_owned()));
}

#[tokio::test]
async fn a_mirror_that_lies_is_found_out() {
    let setup = Setup::new(suites());
    let path = "pool/main/qemu-user_11.1.3+ds-1_amd64.deb";
    let mut flipped = setup.built.files[path].clone();
    flipped[300] ^= 1;
    setup.server.put(path, flipped.clone());
    let error = setup.resolve(&request(&["amd64"])).await.unwrap_err().to_string();
    let (right, got) = (sha256::Digest::of(&setup.built.files[path]), sha256::Digest::of(&flipped));
    let url = setup.server.url();
    let expected =
        format!("cannot fetch `qemu-user_11.1.3+ds-1_amd64.deb`: {url}/{path}: sent {got}, not {right}");
    assert_eq!(error, expected);

    let inrelease = "dists/sid/InRelease";
    setup.server.always(inrelease, Fault::Empty);
    let error = setup.resolve(&request(&["amd64"])).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "InRelease of `sid` is not one clear-signed message: its beginning or its end is missing"
    );
    setup.server.always(inrelease, Fault::Status(404, None));
    let error = setup.resolve(&request(&["amd64"])).await.unwrap_err().to_string();
    assert_eq!(error, format!("cannot fetch `sid/InRelease`: {url}/{inrelease}: HTTP 404 Not Found"));
}

#[tokio::test]
async fn a_damaged_package_in_the_cache_is_fetched_again() {
    let setup = Setup::new(suites());
    let lock = setup.resolve(&request(&["amd64"])).await.unwrap();
    let package = lock.qemu(host("amd64")).next().unwrap();
    let cached = Cache::open(setup.dir.path()).unwrap().path(&package.digest);
    let mut bytes = std::fs::read(&cached).unwrap();
    bytes[200] ^= 1;
    std::fs::write(&cached, bytes).unwrap();
    assert_eq!(setup.resolve(&request(&["amd64"])).await.unwrap(), lock);
    assert_eq!(setup.packages().len(), 2);
}

#[tokio::test]
async fn a_check_tells_what_changed_without_fetching_packages() {
    let old = Setup::new(suites());
    let lock = old.resolve(&request(&["amd64", "i386", "armel"])).await.unwrap();
    assert_eq!(old.check(&lock).await.unwrap(), [""; 0]);

    let sid = Suite::new("unstable", "sid")
        .package(qemu("qemu-user", "1:11.2+ds-1", "amd64", &["arm"]))
        .package(qemu("qemu-user", "1:10.2.2+ds-1", "i386", &["arm", "ppc"]));
    let bookworm = Suite::new("oldstable", "bookworm").package(busybox("1:1.35-4", "i386"));
    let new = Setup::new([sid, bookworm]);
    assert_eq!(
        new.check(&lock).await.unwrap(),
        [
            "sid: qemu-user for amd64: 1:11.1.3+ds-1 -> 1:11.2+ds-1",
            "sid: busybox-static for amd64 is gone",
            "sid: qemu-user for i386: 1:10.2.2+ds-1 has other contents",
            "bookworm: qemu-user-static for i386 is gone",
            "bookworm: host arm32v6 is gone",
        ]
    );
    assert_eq!(new.packages(), [""; 0]);
    new.server.remove("dists/bookworm/InRelease");
    assert!(new.check(&lock).await.unwrap().contains(&"bookworm: the suite is gone".to_owned()));
}

#[test]
fn the_archive_is_the_same_every_time() {
    let build = || suites().into_iter().fold(Archive::new(7), Archive::suite).build();
    assert_eq!(build().files, build().files);
    assert_eq!(build().keyring, build().keyring);
}
