//! The files of a release, made through the library from a small archive of the test's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod script;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::process::Command;
use std::sync::Arc;

use arch::Target;
use builder::testing::{Build, Workshop, flip};
use builder::{Level, Statements, cache};
use debian::progress::{Progress, Silent};
use debian::testing::elf;
use flate2::read::MultiGzDecoder;
use qus_release::{Assets, ReleaseContext, names, summary, write};
use serde_json::Value;
use sha256::Digest;

/// The archive's bytes of a host's emulator of a target.
fn program(host: arch::Host, target: &str) -> Vec<u8> {
    elf(host.elf(), target.as_bytes())
}

/// A release to make; the default is everything, out of the layout `images`, into `release`.
#[derive(Clone, Copy)]
struct Release<'a> {
    hosts: &'a [&'a str],
    targets: &'a [&'a str],
    layout: &'a str,
    output: &'a str,
    jobs: usize,
}

impl Default for Release<'_> {
    fn default() -> Self {
        Release { hosts: &[], targets: &[], layout: "images", output: "release", jobs: 2 }
    }
}

impl Release<'_> {
    fn with<T>(self, workshop: &Workshop, run: impl FnOnce(&ReleaseContext<'_>) -> T) -> T {
        let build = Build {
            level: Level::Best,
            statements: Statements::None,
            jobs: self.jobs,
            output: self.layout,
            ..Build::default()
        };
        workshop.with(build, |_, images, _| {
            run(&ReleaseContext {
                images,
                configured: &workshop.hosts,
                hosts: self.hosts.iter().map(|host| host.parse().unwrap()).collect(),
                targets: self.targets.iter().map(|target| target.parse().unwrap()).collect(),
                output: workshop.path(self.output),
                extras: vec![("register.1".to_owned(), b"a page\n".to_vec())],
            })
        })
    }

    fn try_make(self, workshop: &Workshop) -> anyhow::Result<Assets> {
        self.with(workshop, |release| write(release, &(Arc::new(Silent) as Arc<dyn Progress>)))
    }

    fn make(self, workshop: &Workshop) -> Assets {
        self.try_make(workshop).unwrap()
    }
}

/// The names and digests in `SHA256SUMS`.
fn sums(workshop: &Workshop, folder: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(workshop.path(folder).join("SHA256SUMS")).unwrap();
    let lines: Vec<(&str, &str)> = text.lines().map(|line| line.split_once("  ").unwrap()).collect();
    assert!(lines.iter().map(|(_, name)| name).is_sorted(), "{text}");
    lines.into_iter().map(|(digest, name)| (name.to_owned(), digest.to_owned())).collect()
}

/// One digest over the tarballs' and test programs' lines; the other files change with this program.
fn digest(sums: &BTreeMap<String, String>) -> String {
    let ours = sums.iter().filter(|(name, _)| name.starts_with("qemu-") || name.starts_with("test-"));
    let text: String = ours.map(|(name, digest)| format!("{digest}  {name}\n")).collect();
    Digest::of(text.as_bytes()).hex()
}

/// The entries of a tarball: name, mode, content.
fn unpack(bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(bytes));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), entry.header().mode().unwrap(), content)
    });
    entries.collect()
}

/// The files that were written, by what is said of them.
fn written(assets: &Assets) -> Vec<String> {
    let report: Value = serde_json::from_str(&summary::json(assets).unwrap()).unwrap();
    let assets = report["assets"].as_array().unwrap();
    let written = assets.iter().filter(|asset| asset["written"] == true);
    written.map(|asset| asset["name"].as_str().unwrap().to_owned()).collect()
}

const HOSTS: [&str; 2] = ["mipsel", "mips64el"];

/// The digest of what a release without `register` has.
const PKG_ONLY: &str = "cee8691eae5aa2bca23d54db16bd72c19f9e124deeb60e6b90130235d4b3084f";

#[test]
fn a_release_is_reproducible() {
    let mut workshop = Workshop::small(&HOSTS);
    let all = Release::default();
    let planned = all.with(&workshop, names).unwrap();
    assert!(!workshop.path("release").exists());

    let first = all.make(&workshop);
    let files = sums(&workshop, "release");
    assert_eq!(files.keys().collect::<Vec<_>>(), planned.iter().collect::<Vec<_>>());
    assert_eq!(written(&first).len(), files.len() + 1);
    assert_eq!(digest(&files), PKG_ONLY, "{files:#?}");
    let mut check = Command::new("sha256sum");
    let check = check.args(["--strict", "-c", "SHA256SUMS"]).current_dir(workshop.path("release"));
    let check = check.output().unwrap();
    assert!(check.status.success(), "{check:?}");

    // Every cell has its tarball, with the one file in it.
    let mut count = 0;
    for host in HOSTS {
        for target in Target::current() {
            let tarball = workshop.path(&format!("release/qemu-{target}-static_{host}.tgz"));
            let content = program(host.parse().unwrap(), target.name());
            let expected = [(format!("qemu-{target}-static"), 0o755, content)];
            assert_eq!(unpack(&fs::read(tarball).unwrap()), expected);
            count += 1;
        }
    }
    assert_eq!(count, 66);
    assert_eq!(count, files.keys().filter(|name| name.ends_with(".tgz")).count());

    // Again, from the cache alone: nothing is written.
    workshop.server = None;
    let again = all.make(&workshop);
    assert_eq!(written(&again), [""; 0]);
    let nothing = format!("nothing changed in {}", workshop.path("release").display());
    assert_eq!(summary::verdict(&again), nothing);
    // Elsewhere, from another layout, with one job: the same.
    Release { layout: "l", output: "o", jobs: 1, ..all }.make(&workshop);
    assert_eq!(sums(&workshop, "o"), files);
}

#[test]
fn a_release_mends_itself_and_leaves_what_is_not_its_own() {
    let workshop = Workshop::small(&HOSTS);
    let all = Release::default();
    all.make(&workshop);
    let files = sums(&workshop, "release");
    let path = |name: &str| workshop.path("release").join(name);
    let (tarball, notes) = (path("qemu-arm-static_mipsel.tgz"), path("notes.txt"));
    flip(&tarball);
    fs::remove_file(path("test-program_arm")).unwrap();
    fs::write(&notes, "mine").unwrap();
    fs::write(path(".qus-release-half"), "left by a killed run").unwrap();
    assert_eq!(written(&all.make(&workshop)), ["qemu-arm-static_mipsel.tgz", "test-program_arm"]);
    assert_eq!(sums(&workshop, "release"), files);
    assert!(!path(".qus-release-half").exists());

    // Less is asked for: the rest goes, as far as it is ours.
    let less = Release { hosts: &["mipsel"], targets: &["arm64"], ..all }.make(&workshop);
    let kept: Vec<String> =
        sums(&workshop, "release").into_keys().filter(|name| name.contains("aarch64")).collect();
    assert_eq!(kept, ["qemu-aarch64-static_mipsel.tgz", "test-aarch64", "test-program_aarch64"]);
    let verdict = summary::verdict(&less);
    assert!(verdict.contains("that are not part of the release any more"), "{verdict}");
    assert!(!tarball.exists());
    assert_eq!(fs::read_to_string(&notes).unwrap(), "mine");
}

#[test]
fn a_damaged_layer_is_found() {
    let workshop = Workshop::small(&["mipsel"]);
    workshop.build(Build { level: Level::Best, ..Build::default() });
    let is_layer = |path: &std::path::PathBuf| fs::read(path).unwrap().starts_with(&[0x1f, 0x8b]);
    let layers = workshop.files("images/blobs/sha256").into_iter().filter(is_layer);
    let largest = layers.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    // Without a trace: what has another time is made again.
    let time = fs::metadata(&largest).unwrap().modified().unwrap();
    flip(&largest);
    fs::File::options().write(true).open(&largest).unwrap().set_modified(time).unwrap();
    let failed = Release::default().try_make(&workshop).unwrap_err();
    let expected = format!("cannot take binaries for mipsel out of {}", largest.display());
    assert!(format!("{failed:#}").contains(&expected), "{failed:#}");
    // Nothing vouches for what was written.
    assert!(!workshop.path("release/SHA256SUMS").exists());

    cache::verify(&workshop.path("cache"), true, &Silent).unwrap();
    Release::default().make(&workshop);
    assert!(workshop.path("release/SHA256SUMS").exists());
}
