//! The rules of who may use whom: the arrows between the crates, held against ARCHITECTURE.md's table of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The crates that use `fuzzing`, too: behind features, for tests and fuzzers.
const FUZZED: [&str; 5] = ["builder", "debian", "http", "publish", "results"];

/// The programs that ship in images.
const SHIPS: [&str; 2] = ["qus-register", "qus-run"];

/// The crates that must never be under them: async runtimes, HTTP, and what compiles C.
const NOT_IN_PROGRAMS: [&str; 7] = ["tokio", "async-std", "hyper", "reqwest", "cc", "cmake", "openssl-sys"];

/// The crates that the program that builds images must not be made of: a first image would wait for them. The commands that
/// need these are behind the feature `full`.
const NOT_FOR_IMAGES: &[&str] = &[
    "bollard",
    "clap_mangen",
    "debversion",
    "minijinja",
    "p256",
    "pgp",
    "qus-bench",
    "qus-e2e",
    "qus-fuzzing",
    "qus-manual",
    "qus-register",
    "qus-release",
    "qus-report",
    "qus-results",
    "qus-sign",
    "qus-suite",
    "qus-testbed",
    "regex",
    "wait4",
];

/// The most crates that it is made of, ours and those for build scripts among them. Each takes a new machine time.
const MOST_FOR_IMAGES: usize = 150;

/// The output of cargo, which asks no network.
fn cargo(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).args(arguments).args(["--locked", "--offline"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Each crate with those of ours that it may use, out of ARCHITECTURE.md's table; `None` is everything.
fn arrows(page: &str) -> BTreeMap<&str, Option<BTreeSet<&str>>> {
    let (_, table) = page.split_once("## Who may use whom\n\n").unwrap();
    let mut arrows: BTreeMap<&str, Option<BTreeSet<&str>>> = BTreeMap::new();
    for row in table.lines().map_while(|line| line.strip_prefix("    ")) {
        let (names, used) = row.split_once("  ").unwrap();
        let used = match used.trim() {
            "everything" => None,
            "none of ours" => Some(BTreeSet::new()),
            list => {
                let mut used = BTreeSet::new();
                for name in list.split(", ") {
                    let (name, and_more) = name.split_once(' ').unwrap_or((name, ""));
                    used.insert(name);
                    if !and_more.is_empty() {
                        assert_eq!(and_more, "and what that may use");
                        used.extend(arrows[name].as_ref().unwrap());
                    }
                }
                Some(used)
            }
        };
        for name in names.split([' ', ',']).filter(|name| !name.is_empty()) {
            assert!(arrows.insert(name, used.clone()).is_none(), "{name} has two rows");
        }
    }
    arrows
}

#[test]
fn crates_use_only_what_they_may() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md")).unwrap();
    let arrows = arrows(&page);
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])).unwrap();
    let short = |named: &Value| named["name"].as_str().unwrap().trim_start_matches("qus-").to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<String> = packages.iter().map(short).collect();
    assert!(ours.iter().eq(arrows.keys()), "{ours:?}");
    for package in packages {
        let name = short(package);
        let Some(allowed) = &arrows[name.as_str()] else { continue };
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = short(dependency);
            let is_fuzzed = other == "fuzzing" && FUZZED.contains(&name.as_str());
            // Tests may use more; what ships may not.
            if ours.contains(&other) && dependency["kind"].is_null() && !is_fuzzed {
                assert!(allowed.contains(other.as_str()), "{name} must not use {other}");
            }
        }
    }
}

#[test]
fn arrows_are_read_from_the_table() {
    let page = "## Who may use whom\n\n    a b  none of ours\n    c    a\n    d, e  c and what that may use, b\n    \
                f    everything\n\nThat is all.\n    g    a\n";
    let set = |names: &[&'static str]| Some(names.iter().copied().collect());
    let expected = [
        ("a", set(&[])),
        ("b", set(&[])),
        ("c", set(&["a"])),
        ("d", set(&["a", "b", "c"])),
        ("e", set(&["a", "b", "c"])),
        ("f", None),
    ];
    assert_eq!(arrows(page), expected.into());
}

/// The crates that `package` is made of, without those that only its tests have.
fn made_of(package: &str, options: &[&str]) -> BTreeSet<String> {
    let tree = ["tree", "--package", package, "--prefix", "none", "--no-dedupe"];
    cargo(&[&tree, options].concat()).lines().map(str::to_owned).collect()
}

/// True if one of these lines, `NAME vVERSION …`, is about the crate.
fn has(lines: &BTreeSet<String>, name: &str) -> bool {
    lines.iter().any(|line| line.split(' ').next() == Some(name))
}

#[test]
fn what_ships_stays_small() {
    for program in SHIPS {
        // Normal dependencies only: tests and build scripts do not ship.
        let crates = made_of(program, &["--edges", "normal", "--target", "x86_64-unknown-linux-musl"]);
        for name in NOT_IN_PROGRAMS {
            assert!(!has(&crates, name), "{program} pulls in {name}: {crates:?}");
        }
    }
}

#[test]
fn a_first_image_waits_for_little() {
    let crates = made_of("xtask", &["--edges", "normal,build"]);
    for name in NOT_FOR_IMAGES {
        assert!(!has(&crates, name), "`cargo xtask images` is made of {name}");
    }
    assert!(crates.len() <= MOST_FOR_IMAGES, "{}: {crates:?}", crates.len());
}
