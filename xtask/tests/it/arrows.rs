//! The rules of who may use whom: the arrows between the crates, as ARCHITECTURE.md draws them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Each crate with those of ours that it may use. `testbed` is for tests and `xtask` alone, `fuzzing` for tests and
/// fuzzers, behind features.
const ARROWS: &[(&str, &[&str])] = &[
    ("qus-arch", &[]),
    ("qus-attest", &["qus-digest"]),
    ("qus-base", &[]),
    (
        "qus-bench",
        &[
            "qus-arch",
            "qus-base",
            "qus-builder",
            "qus-debian",
            "qus-digest",
            "qus-files",
            "qus-oci",
            "qus-publish",
            "qus-testbed",
        ],
    ),
    ("qus-binfmt", &[]),
    (
        "qus-builder",
        &[
            "qus-arch",
            "qus-attest",
            "qus-base",
            "qus-debian",
            "qus-digest",
            "qus-exec",
            "qus-files",
            "qus-fuzzing",
            "qus-oci",
            "qus-publish",
        ],
    ),
    ("qus-debian", &["qus-arch", "qus-base", "qus-digest", "qus-files", "qus-fuzzing", "qus-http"]),
    ("qus-digest", &[]),
    (
        "qus-e2e",
        &[
            "qus-arch",
            "qus-base",
            "qus-builder",
            "qus-debian",
            "qus-digest",
            "qus-oci",
            "qus-publish",
            "qus-testbed",
        ],
    ),
    ("qus-exec", &["qus-arch"]),
    ("qus-files", &[]),
    ("qus-fuzzing", &[]),
    ("qus-http", &["qus-fuzzing"]),
    ("qus-launch", &[]),
    ("qus-manual", &["qus-arch", "qus-register", "qus-run", "qus-usage"]),
    ("qus-oci", &["qus-arch", "qus-digest"]),
    ("qus-publish", &["qus-attest", "qus-base", "qus-digest", "qus-fuzzing", "qus-http", "qus-oci"]),
    ("qus-register", &["qus-arch", "qus-binfmt", "qus-usage"]),
    (
        "qus-release",
        &[
            "qus-arch",
            "qus-base",
            "qus-builder",
            "qus-debian",
            "qus-digest",
            "qus-oci",
            "qus-publish",
            "qus-register",
        ],
    ),
    ("qus-report", &["qus-arch", "qus-base", "qus-builder", "qus-debian"]),
    ("qus-run", &["qus-arch", "qus-binfmt", "qus-exec", "qus-files", "qus-usage", "qus-watch"]),
    (
        "qus-ship",
        &["qus-base", "qus-builder", "qus-debian", "qus-digest", "qus-files", "qus-oci", "qus-publish"],
    ),
    ("qus-sign", &["qus-base", "qus-digest", "qus-oci", "qus-publish"]),
    (
        "qus-suite",
        &["qus-arch", "qus-base", "qus-builder", "qus-debian", "qus-launch", "qus-release", "qus-ui"],
    ),
    ("qus-testbed", &["qus-arch", "qus-base", "qus-debian", "qus-digest", "qus-files"]),
    ("qus-ui", &["qus-base", "qus-debian", "qus-files"]),
    ("qus-usage", &[]),
    ("qus-watch", &["qus-exec"]),
    (
        "xtask",
        &[
            "qus-arch",
            "qus-attest",
            "qus-base",
            "qus-bench",
            "qus-binfmt",
            "qus-builder",
            "qus-debian",
            "qus-digest",
            "qus-e2e",
            "qus-exec",
            "qus-files",
            "qus-http",
            "qus-launch",
            "qus-manual",
            "qus-oci",
            "qus-publish",
            "qus-register",
            "qus-release",
            "qus-report",
            "qus-ship",
            "qus-sign",
            "qus-suite",
            "qus-testbed",
            "qus-ui",
        ],
    ),
];

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
    "qus-sign",
    "qus-suite",
    "qus-testbed",
    "regex",
    "wait4",
];

/// The most crates that it is made of, ours and those for build scripts among them. Each takes a new machine time.
const MOST_FOR_IMAGES: usize = 150;

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-musl"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn crates_use_only_what_they_may() {
    let metadata = metadata();
    let allowed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let mut seen = BTreeSet::new();
    let members: BTreeSet<String> =
        metadata["workspace_members"].as_array().unwrap().iter().map(text).collect();
    let ours: Vec<&Value> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| members.contains(package["id"].as_str().unwrap()))
        .collect();
    let names: BTreeSet<String> = ours.iter().map(|package| text(&package["name"])).collect();
    for package in ours {
        let name = text(&package["name"]);
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| panic!("{name} is in no arrow"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = text(&dependency["name"]);
            // Tests may use more; what ships may not.
            if names.contains(&other) && dependency["kind"].is_null() {
                assert!(allowed.contains(&other.as_str()), "{name} must not use {other}");
            }
        }
        seen.insert(name);
    }
    let expected: BTreeSet<String> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(seen, expected);
}

#[test]
fn what_ships_stays_small() {
    let metadata = metadata();
    let nodes: BTreeMap<String, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (text(&node["id"]), node))
        .collect();
    let names: BTreeMap<String, String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    for program in SHIPS {
        let root = names.iter().find(|(_, name)| *name == program).unwrap().0.clone();
        let mut reached = BTreeSet::new();
        let mut queue = vec![root];
        while let Some(id) = queue.pop() {
            if !reached.insert(id.clone()) {
                continue;
            }
            for dependency in nodes[&id]["deps"].as_array().unwrap() {
                // Normal dependencies only: tests and build scripts do not ship.
                let ships =
                    dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
                if ships {
                    queue.push(text(&dependency["pkg"]));
                }
            }
        }
        let reached: BTreeSet<&str> = reached.iter().map(|id| names[id].as_str()).collect();
        for name in NOT_IN_PROGRAMS {
            assert!(!reached.contains(name), "{program} pulls in {name}: {reached:?}");
        }
    }
}

#[test]
fn a_first_image_waits_for_little() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "xtask", "--edges", "normal,build", "--prefix", "none", "--no-dedupe"])
        .args(["--locked", "--offline"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: BTreeSet<&str> = tree.lines().collect();
    for name in NOT_FOR_IMAGES {
        let found = crates.iter().any(|line| line.split(' ').next() == Some(*name));
        assert!(!found, "`cargo xtask images` is made of {name}");
    }
    assert!(crates.len() <= MOST_FOR_IMAGES, "{}: {crates:?}", crates.len());
}
