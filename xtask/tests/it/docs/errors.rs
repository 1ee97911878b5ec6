//! Every error of `cargo xtask` that can be met in the ordinary course has an entry in docs/troubleshooting.md.
//!
//! That every entry is a message is tested beside `register`'s.

use std::collections::BTreeSet;

use super::messages::{DEPTH, Pattern, entries, literals, made_of, plain};
use super::root;
use super::source::{self, Found};

/// The errors that only maintainers meet: measurements, how cargo starts tests, and archives made by tests.
const ELSEWHERE: [&str; 3] =
    ["xtask/src/bench.rs", "crates/suite/src/binary.rs", "crates/debian/src/testing"];

/// Errors without an entry.
const EXEMPT: &[&str] = &[
    // A lock that was edited by hand: the line is named, and `cargo xtask lock` writes a right one.
    "`{}` is not the moment of `date`, {}",
    "`{}` is not host `{host}`'s, `{}`",
    "suite `{0}` is there twice",
    "source `{}` {} is there twice",
    "`{}` {} is no source package",
    "package `{name}` for host `{host}` is from suite `{suite}`, which is not there",
    "target `{target}` for host `{host}` is taken from two packages",
    "busybox for host `{0}` is taken from two packages",
    "the C library for host `{0}` is taken from two packages",
    "package `{name}` for host `{host}` has an empty list of targets",
    "target `{target}` for host `{host}` is passed over in suite `{suite}`, and taken from no older one",
    "package `{name}` for host `{host}` has targets of a series and holds no QEMU",
    "series `{series}` has two packages for host `{host}`",
    "package `{name}` for host `{host}` has version `{version}`, which is none of QEMU's",
    // What is wrong with a package or a list of packages whose digest is right: Debian's own mistake, reported as it is.
    "not a Debian package: {0}",
    "the package is truncated",
    "the package unpacks to more than {0} bytes",
    "the package holds more than {0} files",
    "`{path}` has {size} bytes, more than the {limit} that are allowed",
    "the package holds the unsafe path `{0}`",
    "the package is not the one that was pinned",
    "cannot read the package",
    "more than {0} bytes",
    "a path in it has {} bytes, more than {}",
    "is a damaged ELF file: {0}",
    "is an ELF file but not a program (e_type {0})",
    "cannot read the list of packages",
    "the list of packages has a stanza of more than {} bytes",
    "package `{package}`: {reason}",
    "cannot read a package for host `{host}`",
    "package `{package}` for host `{host}` is for Debian's `{actual}`, not `{}`",
    "package `{package}` {version} for host `{host}` has no `{what}`{}",
    "package `{package}` {version} for host `{host}` has `{what}` twice",
    "package `{package}` {version} for host `{host}`: `{path}` {error}",
    // Parts and variants of others that have an entry.
    "cannot run cargo",
    "{name}: 1 problem",
    "cannot read what cargo reports",
    "cannot wait for cargo",
    "cannot read what cargo reports of `{program}` for {host}",
    "the registry's name is not a host, with or without a port",
    "a repository's name has parts of lowercase letters and digits, joined by single `.`, `_` or `-`",
    "a tag has up to 128 letters, digits, `_`, `.` and `-`",
    "after `@` comes `sha256:` and 64 lowercase hexadecimal digits",
    "a repository is wanted here, without a tag or a digest",
    "cannot find the current directory",
    // Files of the repository that were damaged by an edit.
    "cannot read Cargo.lock",
    "Cargo.lock has no package `{root}`",
    "cannot read Cargo.toml",
    "no [workspace]",
    "cannot read a crate's Cargo.toml",
    "page.html is no template",
    "cannot render page.html",
    // A machine on which little works.
    "cannot start the downloads",
    "cannot set up zstd",
    "the clock is before 1970",
    "the clock is far in the future",
    "cannot read the mounts",
    "cannot set up the HTTP client: {0}",
    // What cannot be unless qus itself is wrong.
    "every host of a plan has layers",
    "a release is of at least one host",
    // Of an emulated machine: what it printed last follows.
    "the machine ended too early ({status})",
    "{ended} of {count} steps had ended; the console's last lines:\n{tail}",
    "cannot read {} as the version of a kernel",
    "QEMU has no machine for {host}",
    "cannot make an initramfs",
    "cannot write an initramfs",
    "the lock has no {target} for {host}",
    // Of debootstrap in a sandbox: what it printed last follows.
    "`{}` failed ({}):\n{}",
    "debootstrap names no packages of {suite} for {host}",
    "`{}` was to fail with `{NOT_REGISTERED}`: {}: {stderr}",
    "cannot read what `run --check` reports",
    "no layer with {created_by} for {host}",
    "no layer {name:?} for {host}",
    "every package of a lock has a suite",
    "not every layer has records",
    "`{path}` of {host} is of no package",
    "`{path}` of {host} is of no target",
    "there is no program for {host}",
    "no C library is locked for {host}",
    "`{}` has no crates",
    "the lock has no date for {host}",
    "the lock's date is out of range",
    "cannot find the names of the applets in busybox for {host}",
    "a download failed",
    "a thread that compresses for {} panicked",
    "the layer writer stopped",
    "a layer for {host} vanished from {} during the build",
    "no `{program}` was built for {host}",
    "there is one for every host with such a layer",
    "{target} is not locked for {host}",
    "an archive has at least one image",
    "cannot write {}: two files of the release have this name",
    "there is no program for {target}",
    "{}: there is no {}",
    "expected {}, found {}",
    "{} has no layer with QEMU",
    "it holds no file",
    "cannot make a tarball of a layer of type `{}`",
    "{host} has no QEMU package",
    "a member has a folder",
    "pipes are there",
    "the folder has a parent",
    "rustc has no host",
    "`rustc -vV` has no `{name}`",
];

#[test]
fn every_error_of_xtask_is_explained_or_exempt() {
    let found = literals(&[
        "xtask",
        "crates/builder",
        "crates/debian",
        "crates/publish",
        "crates/release",
        "crates/report",
        "crates/ship",
        "crates/suite",
        "crates/ui",
        "crates/e2e",
    ]);
    let is_ordinary =
        |found: &Found| !ELSEWHERE.iter().any(|folder| found.file.starts_with(root().join(folder)));
    let found: Vec<_> = found.into_iter().filter(|found| found.is_error && is_ordinary(found)).collect();
    for exempt in EXEMPT {
        assert!(found.iter().any(|found| found.text == *exempt), "{exempt:?} is in the source no more");
    }
    let found = found.iter().filter(|found| !EXEMPT.contains(&found.text.as_str()));
    let found = found.map(|found| (found, Pattern::of(&found.text).without_tail()));
    let (found, patterns): (Vec<_>, Vec<_>) = found.filter(|(_, pattern)| pattern.says_something()).unzip();
    let mut explained = BTreeSet::new();
    for entry in entries(Some("cargo xtask")) {
        explained.extend(made_of(&plain(&entry.text), &patterns, DEPTH));
    }
    let missing = found.iter().enumerate().filter(|(number, _)| !explained.contains(number));
    let missing = missing.map(|(_, found)| {
        format!("{}: {:?} is not explained", found.file.strip_prefix(root()).unwrap().display(), found.text)
    });
    let missing: Vec<String> = missing.collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn errors_are_told_from_other_texts_by_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let source = r#"
        fn make() -> Hinted {
            ui.note("not an error");
            let message = format!("cannot make {}", it);
            let text = "no error either";
            Hinted::new("no such {thing}", "make a new one")
        }
        #[error("denied{}")]
        struct Denied;
        fn read() { file.with_context(|| format!("cannot read {path}")).map_err(|_| anyhow::anyhow!("it broke")) }
        #[cfg(test)]
        mod tests { fn f() { bail!("in a test") } }
    "#;
    std::fs::write(dir.path().join("lib.rs"), source).unwrap();
    let found = source::messages(dir.path());
    let found: Vec<_> = found.iter().map(|found| (found.text.as_str(), found.is_error)).collect();
    assert_eq!(
        found,
        [
            ("not an error", false),
            ("cannot make {}", true),
            ("no error either", false),
            ("no such {thing}", true),
            ("make a new one", false),
            ("denied{}", true),
            ("cannot read {path}", true),
            ("it broke", true),
        ]
    );
}

#[test]
fn holes_at_the_end_may_be_empty_where_a_word_would_go_on() {
    for (literal, entry, expected) in [
        ("denied{}", "denied", true),
        ("unauthorized{}{}", "unauthorized", true),
        ("no suite has {}{}", "no suite has CELLS", true),
        ("no suite has {}{}", "no suite has", false),
        ("cannot read {}", "cannot read PATH", true),
        ("cannot read {}", "cannot read", false),
        ("cannot read {}", "cannot read PATH of SUITE", false),
    ] {
        let patterns = [Pattern::of(literal).without_tail()];
        assert_eq!(!made_of(entry, &patterns, DEPTH).is_empty(), expected, "{literal}: {entry}");
    }
}
