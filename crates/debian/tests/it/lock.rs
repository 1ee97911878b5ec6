//! The lock's text: one form, and exact errors.

use std::collections::{BTreeMap, BTreeSet};

use arch::{Host, Target};
use qus_debian::Mirror;
use qus_debian::about::Source;
use qus_debian::lock::{Dsc, Lock, Package, Role, Suite};
use qus_debian::testing::NOW;
use sha256::Digest;

fn suite(name: &str, date: i64) -> Suite {
    let inrelease = Digest::of(name.as_bytes());
    let (name, without) = (name.to_owned(), BTreeSet::new());
    Suite { codename: name.clone(), name, date, inrelease, allow_expired: false, allow_older: false, without }
}

fn package(name: &str, host: &str, suite: &str, targets: &[&str]) -> Package {
    let targets: BTreeSet<Target> = targets.iter().map(|target| target.parse().unwrap()).collect();
    Package {
        name: name.to_owned(),
        host: host.parse().unwrap(),
        suite: suite.to_owned(),
        version: format!("1:{}.1.3+ds-1", suite.len()),
        path: format!("pool/main/{name}_{host}_{suite}.deb"),
        size: 5,
        digest: Digest::of(format!("{name} {host} {suite}").as_bytes()),
        role: if targets.is_empty() { Role::Busybox } else { Role::Qemu(targets) },
        series: BTreeSet::new(),
        passed_over: BTreeSet::new(),
    }
}

fn lock() -> Lock {
    let trixie = Suite {
        allow_expired: true,
        without: BTreeSet::from(["i386".parse().unwrap(), "armel".parse().unwrap()]),
        ..suite("trixie", NOW - 5)
    };
    // Out of order: a lock sorts them.
    let packages = vec![
        package("busybox-static", "i386", "sid", &[]),
        package("qemu-user-static", "i386", "trixie", &["aarch64"]),
        package("qemu-user", "i386", "sid", &["arm", "mips", "ppc", "sparc", "hexagon"]),
        package("qemu-user", "amd64", "trixie", &["arm", "aarch64"]),
    ];
    Lock::new(vec![suite("sid", NOW), trixie], packages).unwrap()
}

const TEXT: &str = r#"# Every Debian package that the images are built from, pinned by size and digest.
# Made by `cargo xtask lock` out of images.toml; do not edit. `cargo xtask lock --check` tells what is newer.
version = 1

[[suite]]
name = "sid"
codename = "sid"
date = "2026-01-01T00:00:00Z"
snapshot = "20260101T000000Z"
inrelease = "sha256:SID"

[[suite]]
name = "trixie"
codename = "trixie"
date = "2025-12-31T23:59:55Z"
snapshot = "20251231T235955Z"
inrelease = "sha256:TRIXIE"
allow-expired = true
without = ["i386", "arm32v6"]

[[package]]
host = "amd64"
name = "qemu-user"
version = "1:6.1.3+ds-1"
architecture = "amd64"
suite = "trixie"
path = "pool/main/qemu-user_amd64_trixie.deb"
size = 5
digest = "sha256:AMD64"
targets = ["aarch64", "arm"]

[[package]]
host = "i386"
name = "qemu-user"
version = "1:3.1.3+ds-1"
architecture = "i386"
suite = "sid"
path = "pool/main/qemu-user_i386_sid.deb"
size = 5
digest = "sha256:I386SID"
targets = [
    "arm",
    "hexagon",
    "mips",
    "ppc",
    "sparc",
]

[[package]]
host = "i386"
name = "qemu-user-static"
version = "1:6.1.3+ds-1"
architecture = "i386"
suite = "trixie"
path = "pool/main/qemu-user-static_i386_trixie.deb"
size = 5
digest = "sha256:I386TRIXIE"
targets = ["aarch64"]

[[package]]
host = "i386"
name = "busybox-static"
version = "1:3.1.3+ds-1"
architecture = "i386"
suite = "sid"
path = "pool/main/busybox-static_i386_sid.deb"
size = 5
digest = "sha256:BUSYBOX"
"#;

/// With the digests of these texts in place of the marks.
fn fill(text: &str, marks: &[(&str, &str)]) -> String {
    let digest = |of: &str| Digest::of(of.as_bytes()).to_string();
    marks.iter().fold(text.to_owned(), |text, (mark, of)| text.replace(mark, &digest(of)))
}

fn text() -> String {
    let marks = [
        ("sha256:SID", "sid"),
        ("sha256:TRIXIE", "trixie"),
        ("sha256:AMD64", "qemu-user amd64 trixie"),
        ("sha256:I386SID", "qemu-user i386 sid"),
        ("sha256:I386TRIXIE", "qemu-user-static i386 trixie"),
        ("sha256:BUSYBOX", "busybox-static i386 sid"),
    ];
    fill(TEXT, &marks)
}

#[test]
fn a_lock_has_one_form() {
    assert_eq!(lock().to_string(), text());
    assert_eq!(Lock::parse(&text()), Ok(lock()));
}

#[test]
fn a_lock_answers_for_every_cell() {
    let lock = lock();
    let (amd64, i386): (Host, Host) = ("amd64".parse().unwrap(), "i386".parse().unwrap());
    let suites: Vec<&str> = lock.qemu(i386).map(|package| package.suite.as_str()).collect();
    assert_eq!(suites, ["sid", "trixie"]);
    let cell = |host, target: &str| {
        lock.cell(host, target.parse().unwrap())
            .and_then(Package::qemu_version)
            .map(|version| version.to_string())
    };
    assert_eq!(cell(i386, "arm").as_deref(), Some("3.1"));
    assert_eq!(cell(i386, "aarch64").as_deref(), Some("6.1"));
    assert_eq!(cell(amd64, "mips"), None);
    assert_eq!(lock.busybox(i386).map(|package| package.suite.as_str()), Some("sid"));
    assert_eq!(lock.busybox(amd64), None);
    assert_eq!((lock.date(i386), lock.date(amd64)), (Some(NOW), Some(NOW - 5)));
    assert_eq!(lock.date("s390x".parse().unwrap()), None);
    let mirror = Mirror::choose(Some("http://mirror.example/debian"), None, None, &[]).unwrap();
    let urls = lock.urls(&mirror, &lock.packages()[0]);
    assert_eq!(
        urls.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "http://mirror.example/debian/pool/main/qemu-user_amd64_trixie.deb",
            "https://snapshot.debian.org/archive/debian/20251231T235955Z/pool/main/qemu-user_amd64_trixie.deb",
            "https://snapshot.debian.org/archive/debian/20260101T055955Z/pool/main/qemu-user_amd64_trixie.deb",
        ]
    );
}

/// The one change made to a good lock, and the error.
fn check(from: &str, to: &str, expected: &str) {
    check_in(&text(), from, to, expected);
}

fn check_in(good: &str, from: &str, to: &str, expected: &str) {
    assert!(good.contains(from), "{from}");
    let error = Lock::parse(&good.replacen(from, to, 1)).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn errors_name_line_and_key() {
    let digest = Digest::of(b"qemu-user amd64 trixie").to_string();
    check("version = 1", "version = 2", "line 3: `version`: this is version 2, and only 1 is known");
    check(
        "host = \"amd64\"",
        "host = \"amd46\"",
        "line 22: `host`: unknown host `amd46` (did you mean `amd64`?)",
    );
    check("\"arm\"]", "\"arn\"]", "line 30: `targets`: unknown target `arn` (did you mean `arm`?)");
    check("    \"mips\"", "    \"vax\"", "line 44: `targets`: unknown target `vax`");
    check("size = 5", "size = -5", "line 28: `size`: invalid value: integer `-5`, expected u64");
    check(
        &digest,
        "sha256:00",
        "line 29: `digest`: `sha256:00` is not a SHA-256 digest (expected 64 lowercase hexadecimal digits)",
    );
    check(
        "date = \"2026-01-01T00:00:00Z\"",
        "date = \"today\"",
        "line 8: `date`: `today` is no date like 2026-07-11T10:16:37Z",
    );
    check(
        "snapshot = \"20260101T000000Z\"",
        "snapshot = \"20260101T000001Z\"",
        "line 9: `snapshot`: `20260101T000001Z` is not the moment of `date`, 20260101T000000Z",
    );
    check("size = 5\n", "", "line 21: missing field `size`");
    check(
        "size = 5",
        "size = 5\ncolour = 1",
        "line 29: unknown field `colour`, expected one of \
        `host`, `name`, `version`, `architecture`, `suite`, `path`, `size`, `digest`, `targets`, `passed-over`, `series`",
    );
    check(
        "architecture = \"amd64\"",
        "architecture = \"arm64\"",
        "line 25: `architecture`: `arm64` is not host `amd64`'s, `amd64`",
    );
    check(
        "\"pool/main/qemu-user_amd64_trixie.deb\"",
        "\"../x.deb\"",
        "line 27: `path`: `../x.deb` is no path in an archive",
    );
    check(
        "\"pool/main/qemu-user_amd64_trixie.deb\"",
        "\"pool/%2e%2e/%2e%2e/x\"",
        "line 27: `path`: `pool/%2e%2e/%2e%2e/x` is no path in an archive",
    );
    check("name = \"sid\"", "name = \"../sid\"", "line 6: `name`: `../sid` is no name of a suite");
    check(
        "suite = \"trixie\"",
        "suite = \"lenny\"",
        "line 21: package `qemu-user` for host `amd64` is from suite `lenny`, which is not there",
    );
    check("name = \"trixie\"", "name = \"sid\"", "line 12: suite `sid` is there twice");
    check(
        "targets = [\"aarch64\"]",
        "targets = [\"arm\"]",
        "line 49: target `arm` for host `i386` is taken from two packages",
    );
    check(
        "targets = [\"aarch64\"]",
        "targets = []",
        "line 49: package `qemu-user-static` for host `i386` has an empty list of targets",
    );
    check(
        "version = \"1:6.1.3+ds-1\"",
        "version = \"1:6-1\"",
        "line 21: package `qemu-user` for host `amd64` has version `1:6-1`, which is none of QEMU's",
    );
    check("targets = [\"aarch64\"]", "", "line 51: `name`: `qemu-user-static` has no `targets`");
    check(
        "without = [\"i386\", \"arm32v6\"]",
        "without = [\"i386\", \"armv9\"]",
        "line 19: `without`: unknown host `armv9` (did you mean `armv8`?)",
    );
    for (name, what) in [("busybox-static", "busybox"), ("musl-dev", "the C library")] {
        let text = text().replace("\"busybox-static\"", &format!("{name:?}"));
        let start = format!("[[package]]\nhost = \"i386\"\nname = \"{name}\"");
        let (_, entry) = text.split_once(&start).unwrap();
        let error = Lock::parse(&format!("{text}\n{start}{entry}")).unwrap_err().to_string();
        assert_eq!(error, format!("line 70: {what} for host `i386` is taken from two packages"));
    }
}

#[test]
fn a_series_is_a_list_of_targets_beside_the_newests() {
    let mut packages = lock().packages().to_vec();
    for package in &mut packages {
        match (package.host.name(), package.suite.as_str()) {
            // The newest takes nothing of it.
            ("amd64", _) => {
                let Role::Qemu(targets) = &mut package.role else { panic!("{package:?}") };
                package.series = std::mem::take(targets);
            }
            ("i386", "trixie") => package.series = Target::current().take(2).collect(),
            _ => {}
        }
    }
    let lock = Lock::new(lock().suites().to_vec(), packages).unwrap();
    let text = lock.to_string();
    assert_eq!(Lock::parse(&text).as_ref(), Ok(&lock));
    let is_list = |line: &&str| line.starts_with("targets") || line.starts_with("series");
    let lists: Vec<&str> = text.lines().filter(is_list).collect();
    let series = ["series = [\"aarch64\", \"arm\"]", "series = [\"aarch64\", \"aarch64_be\"]"];
    assert_eq!(lists, [series[0], "targets = [", "targets = [\"aarch64\"]", series[1]]);
    let hosts = |lock: &Lock| lock.hosts().into_iter().map(Host::name).collect::<Vec<_>>();
    assert_eq!(
        (hosts(&lock.newest()), hosts(&lock.of_series("trixie"))),
        (vec!["i386"], vec!["amd64", "i386"])
    );
    let sid = lock.of_version(lock.packages().iter().find_map(Package::qemu_version).unwrap());
    assert_eq!(hosts(&sid), ["i386"]);
    assert_eq!(sid.qemu("i386".parse().unwrap()).count(), 1);

    let check = |from: &str, to: &str, expected: &str| check_in(&text, from, to, expected);
    check(
        "series = [\"aarch64\", \"arm\"]",
        "series = [\"arch64\"]",
        "line 30: `series`: unknown target `arch64` (did you mean `aarch64`?)",
    );
    let with = |of_host: &str, name: &str, suite: &str| {
        let mut packages = lock.packages().to_vec();
        let mut found = packages.iter_mut().filter(|package| package.host.name() == of_host);
        let package = found.find(|package| package.name == name).unwrap();
        package.suite = suite.to_owned();
        package.series = Target::current().take(1).collect();
        Lock::new(lock.suites().to_vec(), packages).unwrap_err().to_string()
    };
    let expected = "package `busybox-static` for host `i386` has targets of a series and holds no QEMU";
    assert_eq!(with("i386", "busybox-static", "sid"), expected);
    assert_eq!(with("i386", "qemu-user", "trixie"), "series `trixie` has two packages for host `i386`");
}

/// The tables after the packages in a lock that knows sources.
const SOURCES: &str = r#"
[[source]]
name = "busybox"
version = "1:1.38.0-3"
path = "pool/main/b/busybox/busybox_1.38.0-3.dsc"
digest = "sha256:BUSYBOX"

[[source]]
name = "glibc"
version = "2.43-3"
path = "pool/main/g/glibc/glibc_2.43-3.dsc"
digest = "sha256:OLD"

[[source]]
name = "glibc"
version = "2.43-7"
path = "pool/main/g/glibc/glibc_2.43-7.dsc"
digest = "sha256:NEW"
"#;

fn with_sources() -> String {
    text() + &fill(SOURCES, &[("sha256:BUSYBOX", "busybox"), ("sha256:OLD", "old"), ("sha256:NEW", "new")])
}

#[test]
fn sources_follow_the_packages() {
    let source = |name: &str, version: &str| Source { name: name.to_owned(), version: version.to_owned() };
    let dsc = |path: &str, of: &str| Dsc { path: path.to_owned(), digest: Digest::of(of.as_bytes()) };
    let sources = BTreeMap::from([
        (source("glibc", "2.43-7"), dsc("pool/main/g/glibc/glibc_2.43-7.dsc", "new")),
        (source("busybox", "1:1.38.0-3"), dsc("pool/main/b/busybox/busybox_1.38.0-3.dsc", "busybox")),
        (source("glibc", "2.43-3"), dsc("pool/main/g/glibc/glibc_2.43-3.dsc", "old")),
    ]);
    let expected = lock().with_sources(sources);
    assert_eq!(expected.to_string(), with_sources());
    assert_eq!(Lock::parse(&with_sources()), Ok(expected.clone()));
    assert_eq!(
        expected.sources()[&source("glibc", "2.43-3")],
        dsc("pool/main/g/glibc/glibc_2.43-3.dsc", "old")
    );
    // A lock of before there were any.
    assert_eq!(lock().sources(), &BTreeMap::new());

    let check = |from: &str, to: &str, expected: &str| check_in(&with_sources(), from, to, expected);
    check("version = \"2.43-7\"", "version = \"2.43-3\"", "line 82: source `glibc` 2.43-3 is there twice");
    check("\"busybox\"", "\"..\"", "line 71: `name`: `..` 1:1.38.0-3 is no source package");
    check("\"2.43-3\"", "\"2.43/3\"", "line 77: `name`: `glibc` 2.43/3 is no source package");
    check(
        "pool/main/b/busybox/",
        "pool/../b/busybox/",
        "line 73: `path`: `pool/../b/busybox/busybox_1.38.0-3.dsc` is no path in an archive",
    );
    check("path = \"pool/main/b/busybox/busybox_1.38.0-3.dsc\"\n", "", "line 70: missing field `path`");
    let size = "line 72: unknown field `size`, expected one of `name`, `version`, `path`, `digest`";
    check("\"busybox\"\n", "\"busybox\"\nsize = 5\n", size);
}

#[test]
fn what_is_no_toml_is_an_error_too() {
    for text in ["<html>", "version", "version = 1\n[[suite]", "\u{0}"] {
        let error = Lock::parse(text).unwrap_err().to_string();
        assert!(error.starts_with("line "), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    assert_eq!(Lock::parse("").unwrap_err().to_string(), "line 1: missing field `version`");
}

#[test]
fn files_are_written_whole_and_errors_name_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("debian.lock");
    let error = Lock::load(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read {}", path.display()));
    assert_eq!(qus_debian::hint(&error).as_deref(), Some("`cargo xtask lock` makes it"));
    lock().write(&path).unwrap();
    assert_eq!(Lock::load(&path).unwrap(), lock());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    // A file is no folder, for root neither.
    let nowhere = path.join("debian.lock");
    let error = lock().write(&nowhere).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot write {}", nowhere.display()));
}

/// A lock with a series, and these cells of amd64 taken from it.
fn chosen(targets: &[&str]) -> Result<Lock, String> {
    let targets_of =
        |names: &[&str]| -> BTreeSet<Target> { names.iter().map(|name| name.parse().unwrap()).collect() };
    let series = Package {
        role: Role::Qemu(targets_of(&["mips"])),
        series: targets_of(&["aarch64", "arm", "mips"]),
        ..package("qemu-user", "amd64", "trixie", &["arm"])
    };
    let packages = vec![package("qemu-user", "amd64", "sid", &["arm", "aarch64", "alpha"]), series];
    let lock = Lock::new(vec![suite("sid", NOW), suite("trixie", NOW)], packages).unwrap();
    let amd64: Host = "amd64".parse().unwrap();
    let choices = targets.iter().map(|name| ((amd64, name.parse().unwrap()), "trixie".to_owned()));
    lock.with_choices(&choices.collect()).map_err(|error| error.to_string())
}

#[test]
fn a_choice_moves_a_cell_and_is_written() {
    let (amd64, none) = ("amd64".parse().unwrap(), chosen(&[]).unwrap());
    let one = chosen(&["arm", "mips"]).unwrap();
    let text = one.to_string();
    // Nothing but three lines of two packages.
    let (before, after) = (none.to_string(), text.clone());
    let changed: Vec<&str> = after.lines().filter(|line| !before.contains(&format!("{line}\n"))).collect();
    let expected =
        ["targets = [\"aarch64\", \"alpha\"]", "passed-over = [\"arm\"]", "targets = [\"arm\", \"mips\"]"];
    assert_eq!(changed, expected);
    assert_eq!(Lock::parse(&text).unwrap(), one);
    assert_eq!(one.without_choices(), none);
    let suite_of = |lock: &Lock, name: &str| lock.cell(amd64, name.parse().unwrap()).unwrap().suite.clone();
    assert_eq!((suite_of(&one, "arm"), suite_of(&one, "aarch64")), ("trixie".to_owned(), "sid".to_owned()));
    assert_eq!(one.passed_over(amd64, "arm".parse().unwrap()).unwrap().suite, "sid");
    assert_eq!(one.passed_over(amd64, "mips".parse().unwrap()), None);
    // Of the version that was passed over, everything is still there; and so is the series.
    let version = one.packages()[0].qemu_version().unwrap();
    assert_eq!(one.of_version(version).cell(amd64, "arm".parse().unwrap()).unwrap().suite, "sid");
    assert_eq!(one.newest().of_version(version), one.of_version(version));
    assert_eq!(one.of_series("trixie"), none.of_series("trixie"));

    // A package of which all is passed over is no part of images, and still known.
    let all = chosen(&["arm", "aarch64"]).unwrap();
    let all = all.to_string().replace("targets = [\"alpha\"]\n", "");
    let all = Lock::parse(&all).unwrap();
    assert_eq!(all.qemu(amd64).map(|package| package.suite.as_str()).collect::<Vec<_>>(), ["trixie"]);
    assert_eq!(suite_of(&all.without_choices(), "arm"), "sid");
}

#[test]
fn a_choice_of_what_is_not_there_is_an_error() {
    let error = chosen(&["alpha"]).unwrap_err();
    assert_eq!(error, "series `trixie` has no target `alpha` for host `amd64`");
    assert_eq!(chosen(&["hppa"]).unwrap_err(), error.replace("alpha", "hppa"));
    let text = chosen(&["arm"]).unwrap().to_string();
    let check = |from: &str, to: &str, expected: &str| check_in(&text, from, to, expected);
    let nowhere = |target: &str| {
        format!(
            "line 19: target `{target}` for host `amd64` is passed over in suite `sid`, and taken from no older one"
        )
    };
    check("passed-over = [\"arm\"]", "passed-over = [\"arm\", \"hppa\"]", &nowhere("hppa"));
    check("passed-over = [\"arm\"]", "passed-over = [\"alpha\"]", &nowhere("alpha"));
    check(
        "passed-over = [\"arm\"]",
        "passed-over = [\"amr\"]",
        "line 29: `passed-over`: unknown target `amr` (did you mean `arm`?)",
    );
}
