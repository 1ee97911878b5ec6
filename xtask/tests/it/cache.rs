//! The cache: it stays within its limit, and what is damaged in it is made again.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

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

/// Flips a bit in the middle of every file of a folder, and gives how many there are.
fn damage(line: &Line, folder: &str) -> usize {
    let files = files(line, folder);
    files.iter().for_each(|path| flip(path));
    files.len()
}

/// Flips a bit in the middle of a file.
fn flip(path: &Path) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let (mut byte, middle) = ([0], file.metadata().unwrap().len() / 2);
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[byte[0] ^ 1], middle).unwrap();
}

/// The same, as a disk does it: the file's time stays.
fn rot(path: &Path) {
    let written = fs::metadata(path).unwrap().modified().unwrap();
    flip(path);
    fs::File::options().write(true).open(path).unwrap().set_modified(written).unwrap();
}

/// The blobs of the layout that are layers, or that are not.
fn blobs(line: &Line, layers: bool) -> Vec<PathBuf> {
    let gzip = |path: &PathBuf| fs::read(path).unwrap().starts_with(&[0x1f, 0x8b]);
    files(line, "target/images/blobs/sha256").into_iter().filter(|path| gzip(path) == layers).collect()
}

#[test]
fn what_is_damaged_is_made_again() {
    for (folder, count) in [("cache/sha256", 4), ("cache/layers", 2), ("cache/blobs", 2)] {
        // By the next build, which finds it, and after `cache verify`, which removes it.
        for verify in [false, true] {
            let line = Line::locked(&HOSTS);
            let expected = index(&line.run(&BUILD).success().stdout);
            if folder == "cache/sha256" {
                line.forget_layers();
            }
            assert!(damage(&line, folder) >= count, "{folder}");
            if verify {
                let output = line.run(&["cache", "verify", "--json"]).success();
                let report: Value = serde_json::from_str(&output.stdout).unwrap();
                let removed = report["removed"].as_array().unwrap();
                assert!(removed.len() >= count && files(&line, folder).is_empty(), "{folder}: {report}");
            }
            let again = line.run(&[&BUILD[..], &["--output", "elsewhere"]].concat()).success();
            assert_eq!(index(&again.stdout), expected, "{folder}");
            line.run(&["verify", "elsewhere"]).success();
            let output = line.run(&["cache", "verify"]).success();
            assert!(
                output.stdout.contains(" 0 of them damaged") || folder == "cache/sha256",
                "{folder}: {output:?}"
            );
        }
    }
}

/// Memos are not interchangeable: each says what its layer was made from.
#[test]
fn a_memo_under_another_ones_name_does_not_count() {
    for verify in [false, true] {
        let line = Line::locked(&HOSTS);
        let expected = index(&line.run(&BUILD).success().stdout);
        let memos = files(&line, "cache/layers");
        // Of two layers with programs and two with records, and notes of two packages and of the statements about two images.
        assert_eq!(memos.len(), 8);
        let [one, other] = [0, 1].map(|place: usize| fs::read(&memos[place]).unwrap());
        fs::write(&memos[0], other).unwrap();
        fs::write(&memos[1], one).unwrap();
        if verify {
            let output = line.run(&["cache", "verify", "--json"]).success();
            let report: Value = serde_json::from_str(&output.stdout).unwrap();
            assert_eq!(report["removed"].as_array().unwrap().len(), 2, "{report}");
        }
        let again = line.run(&[&BUILD[..], &["--output", "elsewhere"]].concat()).success();
        assert_eq!(index(&again.stdout), expected);
    }
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
fn a_layout_is_mended_where_it_is() {
    // What is damaged and how; whether `cache verify` runs before the next build; and whether that makes layers.
    for (what, layers, harm, verify, makes) in [
        ("a layer and its link in the cache", true, flip as fn(&Path), false, true),
        ("the same, verified", true, flip, true, true),
        ("the same without a trace, verified", true, rot, true, true),
        ("a document", false, flip, false, false),
        ("the same without a trace", false, rot, false, false),
    ] {
        let line = Line::locked(&HOSTS);
        let first = line.run(&BUILD).success();
        let damaged = blobs(&line, layers);
        assert!(damaged.len() >= 2, "{what}");
        damaged.iter().for_each(|path| harm(path));
        line.run(&["verify", "target/images"]).failure(1);
        if verify {
            let output = line.run(&["cache", "verify", "--json"]).success();
            let report: Value = serde_json::from_str(&output.stdout).unwrap();
            assert_eq!(report["removed"].as_array().unwrap().len(), damaged.len(), "{what}: {report}");
            // What is left are the notes of packages and statements.
            assert_eq!(files(&line, "cache/layers").len(), 4, "{what}");
        }
        let again = line.run(&[&BUILD[..], &["--offline"]].concat()).success();
        assert_eq!(again.stdout, first.stdout, "{what}");
        assert_eq!(again.stderr.contains("compressing"), makes, "{what}: {}", again.stderr);
        line.run(&["verify", "target/images"]).success();
        let output = line.run(&["cache", "verify"]).success();
        assert!(output.stdout.contains(" 0 of them damaged"), "{what}: {output:?}");
        let unchanged = line.run(&BUILD).success();
        assert!(!unchanged.stderr.contains("compressing"), "{what}: {}", unchanged.stderr);
    }
}

/// Builds what `first` says again, and compresses nothing for it.
#[track_caller]
fn build_again(line: &Line, first: &str) {
    let again = line.run(&[&BUILD[..], &["--offline"]].concat()).success();
    assert_eq!(again.stdout, first);
    assert!(!again.stderr.contains("compressing"), "{}", again.stderr);
}

#[test]
fn a_damaged_layer_comes_back_from_the_cache_and_a_damaged_link_from_the_layout() {
    let line = Line::locked(&HOSTS);
    let first = line.run(&BUILD).success();
    let build = || {
        build_again(&line, &first.stdout);
        line.run(&["verify", "target/images"]).success();
        let output = line.run(&["cache", "verify"]).success();
        assert!(output.stdout.contains(" 0 of them damaged"), "{output:?}");
    };
    // Two files instead of two names of one, as where a layout was copied.
    let apart = |folder: &str| {
        let layers = blobs(&line, true);
        for path in layers.iter().map(|path| line.path(folder).join(path.file_name().unwrap())) {
            let bytes = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
            flip(&path);
        }
    };
    for folder in ["target/images/blobs/sha256", "cache/blobs"] {
        apart(folder);
        build();
    }
}

#[test]
fn only_a_file_of_another_time_is_read() {
    let line = Line::locked(&HOSTS);
    let first = line.run(&BUILD).success();
    let build = || build_again(&line, &first.stdout);
    let memos =
        || files(&line, "cache/layers").iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
    let before = memos();
    build();
    assert_eq!(memos(), before);
    // Whole, but of another time: the memo knows it from then on, and what happens to it without a trace goes unread.
    for path in blobs(&line, true) {
        fs::File::options().write(true).open(path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    build();
    let known = memos();
    assert_ne!(known, before);
    blobs(&line, true).iter().for_each(|path| rot(path));
    build();
    assert_eq!(memos(), known);
    line.run(&["verify", "target/images"]).failure(1);
}

#[test]
fn the_cache_stays_within_its_limit() {
    let line = Line::locked(&HOSTS);
    let first = line.run(&BUILD).success();
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

    // What a run has used stays, whatever its limit; the next one finds it.
    line.run(&[&BUILD[..], &["--cache-size", "1", "--output", "one"]].concat()).success();
    let again = line.run(&[&BUILD[..], &["--output", "two"]].concat()).success();
    assert!(!again.stderr.contains("compressing"), "{}", again.stderr);

    line.run(&["cache", "prune", "--cache-size", "0"]).success();
    assert_eq!(listed()["bytes"], 0);
    let anew = line.run(&[&BUILD[..], &["--output", "three"]].concat()).success();
    assert_eq!(index(&anew.stdout), index(&first.stdout));

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
