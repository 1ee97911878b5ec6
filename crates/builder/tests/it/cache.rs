//! Damage to the cache or a layout, which is made again; and the cache stays within its limit.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use debian::progress::Silent;
use qus_builder::cache;
use serde_json::Value;

use qus_builder::testing::{Build, Workshop, flip};

const HOSTS: [&str; 2] = ["amd64", "s390x"];

/// The number of entries that `cache verify` removes.
fn removed(workshop: &Workshop) -> usize {
    let report: Value =
        serde_json::from_str(&cache::verify(&workshop.path("cache"), true, &Silent).unwrap()).unwrap();
    report["removed"].as_array().unwrap().len()
}

/// Flips a bit as a disk does it: the file's time stays.
fn rot(path: &Path) {
    let written = fs::metadata(path).unwrap().modified().unwrap();
    flip(path);
    set_time(path, written);
}

fn set_time(path: &Path, time: SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// The blobs of the layout that are layers, or that are not.
fn blobs(workshop: &Workshop, layers: bool) -> Vec<PathBuf> {
    let gzip = |path: &PathBuf| fs::read(path).unwrap().starts_with(&[0x1f, 0x8b]);
    workshop.files("images/blobs/sha256").into_iter().filter(|path| gzip(path) == layers).collect()
}

#[test]
fn what_is_damaged_is_made_again() {
    for (folder, count) in [("cache/sha256", 4), ("cache/layers", 2), ("cache/blobs", 2)] {
        // By the next build, which finds it, and after `cache verify`, which removes it.
        for verify in [false, true] {
            let workshop = Workshop::small(&HOSTS);
            let expected = workshop.build(Build::default()).index();
            if folder == "cache/sha256" {
                workshop.forget_layers();
            }
            let damaged = workshop.files(folder);
            damaged.iter().for_each(|path| flip(path));
            assert!(damaged.len() >= count, "{folder}");
            if verify {
                assert!(removed(&workshop) >= count && workshop.files(folder).is_empty(), "{folder}");
            }
            let again = workshop.build(Build { output: "elsewhere", ..Build::default() });
            assert_eq!(again.index(), expected, "{folder}");
            assert!(workshop.is_whole("elsewhere"));
            assert!(removed(&workshop) == 0 || folder == "cache/sha256", "{folder}");
        }
    }
}

/// Memos are not interchangeable: each says what its layer was made from.
#[test]
fn a_memo_under_another_ones_name_does_not_count() {
    for verify in [false, true] {
        let workshop = Workshop::small(&HOSTS);
        let expected = workshop.build(Build::default()).index();
        let memos = workshop.files("cache/layers");
        // Of two layers with programs and two with records, and notes of two packages and of the statements about two images.
        assert_eq!(memos.len(), 8);
        let [one, other] = [0, 1].map(|place: usize| fs::read(&memos[place]).unwrap());
        fs::write(&memos[0], other).unwrap();
        fs::write(&memos[1], one).unwrap();
        if verify {
            assert_eq!(removed(&workshop), 2);
        }
        assert_eq!(workshop.build(Build { output: "elsewhere", ..Build::default() }).index(), expected);
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
        let mut workshop = Workshop::small(&HOSTS);
        workshop.build(Build::default());
        let first = workshop.content("images");
        let damaged = blobs(&workshop, layers);
        assert!(damaged.len() >= 2, "{what}");
        damaged.iter().for_each(|path| harm(path));
        assert!(!workshop.is_whole("images"), "{what}");
        if verify {
            assert_eq!(removed(&workshop), damaged.len(), "{what}");
            // What is left are the notes of packages and statements.
            assert_eq!(workshop.files("cache/layers").len(), 4, "{what}");
        }
        workshop.server = None;
        let again = workshop.build(Build::default());
        assert_eq!(workshop.content("images"), first, "{what}");
        assert_eq!(!again.compressed.is_empty(), makes, "{what}");
        assert!(workshop.is_whole("images"), "{what}");
        assert_eq!(removed(&workshop), 0, "{what}");
        build_again(&workshop);
    }
}

/// Builds the same again, and compresses nothing for it.
#[track_caller]
fn build_again(workshop: &Workshop) {
    let before = workshop.content("images");
    let again = workshop.build(Build::default());
    assert_eq!(again.compressed, [""; 0]);
    assert_eq!(workshop.content("images"), before);
}

#[test]
fn a_damaged_layer_comes_back_from_the_cache_and_a_damaged_link_from_the_layout() {
    let mut workshop = Workshop::small(&HOSTS);
    workshop.build(Build::default());
    workshop.server = None;
    for folder in ["images/blobs/sha256", "cache/blobs"] {
        // Two files instead of two names of one, as where a layout was copied.
        let layers = blobs(&workshop, true);
        for path in layers.iter().map(|path| workshop.path(folder).join(path.file_name().unwrap())) {
            let bytes = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
            flip(&path);
        }
        build_again(&workshop);
        assert!(workshop.is_whole("images"), "{folder}");
        assert_eq!(removed(&workshop), 0, "{folder}");
    }
}

#[test]
fn only_a_file_of_another_time_is_read() {
    let workshop = Workshop::small(&HOSTS);
    workshop.build(Build::default());
    let memos =
        || workshop.files("cache/layers").iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
    let before = memos();
    build_again(&workshop);
    assert_eq!(memos(), before);
    // Whole, but of another time: the memo knows it from then on, and what happens to it without a trace goes unread.
    blobs(&workshop, true).iter().for_each(|path| set_time(path, UNIX_EPOCH));
    build_again(&workshop);
    let known = memos();
    assert_ne!(known, before);
    blobs(&workshop, true).iter().for_each(|path| rot(path));
    build_again(&workshop);
    assert_eq!(memos(), known);
    assert!(!workshop.is_whole("images"));
}

#[test]
fn room_is_made_but_not_of_what_a_run_has_used() {
    let workshop = Workshop::small(&HOSTS);
    let first = workshop.build(Build::default()).index();
    let bound = |limit: &str, since| {
        cache::bound(workshop.site().fetch.cache(), Some(limit.parse().unwrap()), since, &Silent).unwrap();
    };
    // What a run has used stays, whatever its limit; the next one finds it.
    bound("1", UNIX_EPOCH);
    let again = workshop.build(Build { output: "one", ..Build::default() });
    assert_eq!(again.compressed, [""; 0]);

    bound("0", SystemTime::now());
    assert_eq!(workshop.files("cache/sha256").len(), 0);
    let anew = workshop.build(Build { output: "two", ..Build::default() });
    assert_eq!((anew.compressed.len(), anew.index()), (2, first));
}
