//! The cache: who may use it, its limit, and what is said of damage. What is damaged, and made again, is tested in builder.

use std::fs;
use std::path::PathBuf;

use crate::line::Line;
use serde_json::Value;

const HOSTS: [&str; 2] = ["amd64", "s390x"];
const BUILD: [&str; 4] = ["images", "--kind", "pkg", "--json"];

/// The digest of the index that a build gives.
fn index(stdout: &str) -> String {
    let report: Value = serde_json::from_str(stdout).unwrap();
    report["indexes"][0]["digest"].as_str().unwrap().to_owned()
}

fn files(line: &Line, folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(line.path(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn what_is_damaged_is_named_and_removed() {
    let line = Line::locked(&HOSTS);
    let damaged = files(&line, "cache/sha256").swap_remove(0);
    fs::write(&damaged, "damaged").unwrap();
    let verify = |expected: &[&str]| {
        let output = line.run(&["cache", "verify", "--json"]).success();
        let report: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(report["removed"], serde_json::json!(expected));
        output.stderr
    };
    let name = damaged.to_str().unwrap();
    let warning = format!("removed {name}: it has changed since it was made\n");
    assert!(verify(&[name]).contains(&warning));
    verify(&[]);
    let output = line.run(&["cache", "verify"]).success();
    assert!(output.stdout.contains(" 0 of them damaged and removed; "), "{}", output.stdout);
}

#[test]
fn a_cache_that_others_can_write_is_refused() {
    let line = Line::locked(&HOSTS);
    let cache = line.path("cache");
    fs::set_permissions(&cache, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let name = cache.display();
    let error = format!(
        "error: cannot trust the cache folder {name}: other users can write to it (mode 0777)\n\
         hint: `chmod go-rwx {name}` if nobody else had a hand in it, or remove it; \
         QUS_CACHE_DIR names another folder for the cache\n"
    );
    for command in [&BUILD[..], &["lock"], &["lock", "--check"], &["cache", "verify"]] {
        let refused = line.run(command).failure(1);
        assert!(refused.stderr.ends_with(&error), "{command:?}: {}", refused.stderr);
    }
}

#[test]
fn the_cache_stays_within_its_limit() {
    let line = Line::locked(&HOSTS);
    line.run(&BUILD).success();
    let listed =
        || -> Value { serde_json::from_str(&line.run(&["cache", "--json"]).success().stdout).unwrap() };
    let before = listed();
    assert_eq!(before["limit"], 10_u64 << 30);
    assert!(before["bytes"].as_u64().unwrap() > 10_000, "{before}");
    let output = line.run(&["cache"]).success();
    assert!(output.stdout.starts_with("FOLDER    ENTRIES  SIZE"), "{}", output.stdout);

    // A limit in the environment acts though nothing changes.
    assert!(!files(&line, "cache/sha256").is_empty());
    let unchanged = line.run_with(&BUILD, &[("QUS_CACHE_SIZE", "1")]).success();
    assert!(unchanged.stderr.contains("least recently used entries from the cache"), "{}", unchanged.stderr);
    assert_eq!(files(&line, "cache/sha256").len(), 0);

    line.run(&["cache", "prune", "--cache-size", "0"]).success();
    assert_eq!(listed()["bytes"], 0);

    let bad = line.run(&["cache", "prune", "--cache-size", "2X"]).failure(2);
    assert!(bad.stderr.contains("`2X` is no size: it takes a number with a unit"), "{}", bad.stderr);
    let bad = line.run_with(&BUILD, &[("QUS_CACHE_SIZE", "2X")]).failure(1);
    let expected = "error: cannot use QUS_CACHE_SIZE: `2X` is no size: it takes a number with a unit (500M, 2GiB), \
                    or `none`\n";
    assert_eq!(bad.stderr, expected);
}

#[test]
fn a_cache_in_use_is_left_alone() {
    let line = Line::locked(&HOSTS);
    line.run(&BUILD).success();
    let other = debian::Cache::open(&line.path("cache")).unwrap();
    let there = files(&line, "cache/sha256");
    let refused = line.run(&["cache", "prune", "--cache-size", "0"]).failure(1);
    let expected = format!(
        "error: another process is using the cache {}\nhint: wait until it has ended; a build makes room by itself when \
         it ends\n",
        line.path("cache").display()
    );
    assert_eq!(refused.stderr, expected);
    line.run(&[&BUILD[..], &["--cache-size", "0"]].concat()).success();
    assert_eq!(files(&line, "cache/sha256"), there);
    drop(other);
}

#[test]
fn builds_at_once_with_no_room_at_all_do_not_disturb_each_other() {
    let line = Line::locked(&HOSTS);
    let builds: Vec<_> = ["one", "two", "three"]
        .map(|output| {
            let args = [&BUILD[..], &["--cache-size", "0", "--output", output]].concat();
            line.command(&args, &[]).stdout(std::process::Stdio::piped()).spawn().unwrap()
        })
        .into_iter()
        .map(|build| build.wait_with_output().unwrap())
        .collect();
    let expected = index(&line.run(&BUILD).success().stdout);
    for build in builds {
        assert!(build.status.success(), "{build:?}");
        assert_eq!(index(std::str::from_utf8(&build.stdout).unwrap()), expected);
    }
    for output in ["one", "two", "three"] {
        line.run(&["verify", output]).success();
    }
}
