//! A build of a part leaves the rest of the layout alone.

use std::fs;

use debian::testing::small::archive;
use oci::spec::{Descriptor, Index, Manifest};
use qus_builder::Compression;

use qus_builder::testing::{Build, Workshop};

const HOSTS: [&str; 3] = ["amd64", "s390x", "mipsel"];
const ALL: [&str; 3] = ["linux/amd64", "linux/s390x", "linux/mipsle"];
const REST: &str = ": the other hosts' images are not there, or from another lock; for all hosts: \
                    cargo xtask images --kind pkg";

fn of<'a>(hosts: &'a [&'a str]) -> Build<'a> {
    Build { hosts, ..Build::default() }
}

/// The platforms of an index.
fn platforms(workshop: &Workshop, output: &str, tag: &str) -> Vec<String> {
    let (layout, tags) = workshop.layout(output);
    let index: Index = layout.json(&tags[tag]).unwrap();
    let platform = |image: &Descriptor| {
        let zstd = if image.is_zstd() { " zstd" } else { "" };
        format!("{}{zstd}", image.platform.as_ref().unwrap())
    };
    index.manifests.iter().filter(|image| !image.is_attestation()).map(platform).collect()
}

#[test]
fn one_host_again_changes_nothing() {
    let workshop = Workshop::small(&HOSTS);
    workshop.build(Build::default());
    let before = workshop.content("images");
    for host in HOSTS {
        let done = workshop.build(of(&[host]));
        assert_eq!((done.changed, &done.notes), (false, &Vec::new()));
        // The index in the layout is what is reported.
        assert_eq!(done.built.listed[0].hosts.len(), HOSTS.len());
        assert_eq!(workshop.content("images"), before);
    }
    assert!(workshop.is_whole("images"));
}

#[test]
fn hosts_one_by_one_are_the_same_as_all_at_once() {
    let workshop = Workshop::small(&HOSTS);
    for (compression, output, whole) in [
        (Compression::Gzip, "one", "all"),
        (Compression::Zstd, "one-z", "all-z"),
        (Compression::Both, "one-b", "all-b"),
    ] {
        let build = Build { compression, ..Build::default() };
        workshop.build(Build { output: whole, ..build });
        // In another order than the configuration's.
        for host in ["mipsel", "amd64", "s390x"] {
            let notes = workshop.build(Build { hosts: &[host], output, ..build }).notes;
            assert_eq!(notes.iter().any(|note| note.contains(" only ")), host != "s390x", "{notes:?}");
        }
        assert_eq!(workshop.content(output), workshop.content(whole), "{compression:?}");
    }
    let zstd = ALL.map(|platform| format!("{platform} zstd"));
    assert_eq!(platforms(&workshop, "one-b", "pkg"), [ALL.map(str::to_owned), zstd.clone()].concat());
    assert_eq!(platforms(&workshop, "one-z", "pkg"), zstd);
}

#[test]
fn what_an_index_holds_is_said_in_one_line() {
    let workshop = Workshop::small(&HOSTS);
    assert_eq!(workshop.build(of(&["amd64"])).notes[0], format!("`pkg` holds only amd64{REST}"));
    assert_eq!(workshop.build(of(&["mipsel"])).notes[0], format!("`pkg` holds only amd64, mipsel{REST}"));
    assert_eq!(platforms(&workshop, "images", "pkg"), ["linux/amd64", "linux/mipsle"]);
    let all = workshop.build(Build::default()).notes;
    assert!(!all.iter().any(|note| note.contains(" only ")), "{all:?}");
}

/// An image from a newer lock is not put together with what an older one made, which stays under its own tags.
#[test]
fn another_locks_images_stay_out_of_the_index_and_in_the_layout() {
    let mut workshop = Workshop::small(&HOSTS);
    workshop.build(Build::default());
    let before = workshop.layout("images").1;
    workshop.relock(&archive("1:11.2.0+ds-1", &HOSTS));
    let notes = workshop.build(of(&["s390x"])).notes;
    assert!(notes.contains(&format!("`pkg` holds only s390x{REST}")), "{notes:?}");
    let after = workshop.layout("images").1;
    let names: Vec<&str> = after.keys().map(String::as_str).collect();
    let expected = [
        "amd64-d11.1-pkg",
        "d11.1-pkg",
        "d11.2-pkg",
        "mips-d11.1-pkg",
        "mips-pkg",
        "pkg",
        "s390x-d11.1-pkg",
        "s390x-d11.2-pkg",
    ];
    assert_eq!(names, expected);
    for tag in ["amd64-d11.1-pkg", "d11.1-pkg", "mips-d11.1-pkg", "mips-pkg", "s390x-d11.1-pkg"] {
        assert_eq!(after[tag], before[tag], "{tag}");
    }
    assert!(workshop.is_whole("images"));

    // Exactly what is asked for, and the same as in an empty folder.
    let prune = Build { prune: true, ..Build::default() };
    let path = workshop.path("images").display().to_string();
    let going = workshop.going(prune);
    let expected = format!(
        "\nwould remove from {path}:\n  amd64-d11.1-pkg, d11.1-pkg, mips-d11.1-pkg, s390x-d11.1-pkg\n  and what only they \
         lead to: "
    );
    assert!(going.starts_with(&expected), "{going}");
    let keeping = workshop.going(Build::default());
    assert_eq!(keeping, format!("\nwould keep the other 4 tags in {path}\n"));
    let notes = workshop.build(prune).notes;
    assert!(notes.iter().any(|note| note.contains("blobs that no tag leads to any more")), "{notes:?}");
    workshop.build(Build { output: "fresh", ..Build::default() });
    assert_eq!(workshop.content("images"), workshop.content("fresh"));
}

/// Hosts of `pkg` images alone, so that everything is little.
#[test]
fn a_build_of_everything_is_everything() {
    let hosts = ["mipsel", "mips64el"];
    let mut workshop = Workshop::small(&hosts);
    let everything = Build { kinds: &[], ..Build::default() };
    let part = Build { hosts: &["mips64el"], ..everything };
    workshop.build(everything);
    let whole = workshop.content("images");
    workshop.build(part);
    assert_eq!(workshop.content("images"), whole);

    workshop.build(Build { prune: true, ..part });
    assert_eq!(workshop.tags("images"), ["d11.1-pkg", "mips64el-d11.1-pkg", "mips64el-pkg", "pkg"]);
    workshop.build(everything);
    assert_eq!(workshop.content("images"), whole);

    workshop.relock(&archive("1:11.2.0+ds-1", &hosts));
    workshop.build(part);
    assert!(workshop.tags("images").contains(&"mips-d11.1-pkg".to_owned()));
    workshop.build(everything);
    workshop.build(Build { output: "fresh", ..everything });
    assert_eq!(workshop.content("images"), workshop.content("fresh"));
}

/// Tags that others put into the layout, without a repository or a tag of ours.
#[test]
fn other_tags_stay_as_they_are() {
    let workshop = Workshop::small(&HOSTS);
    workshop.build(Build { repository: "registry.example/mine", ..Build::default() });
    let before = workshop.layout("images").1;
    workshop.build(of(&["s390x"]));
    let after = workshop.layout("images").1;
    assert_eq!(after["amd64-d11.1-pkg"], before["amd64-d11.1-pkg"]);
    let name = |tag: &str| after[tag].annotations["io.containerd.image.name"].clone();
    assert_eq!(name("amd64-d11.1-pkg"), "registry.example/mine:amd64-d11.1-pkg");
    assert_eq!(name("s390x-d11.1-pkg"), "docker.io/aptman/qus:s390x-d11.1-pkg");
}

#[test]
fn what_is_kept_must_be_whole() {
    let workshop = Workshop::small(&HOSTS);
    workshop.build(Build::default());
    let whole = workshop.content("images");
    let (layout, tags) = workshop.layout("images");
    let image = &tags["amd64-d11.1-pkg"];
    let layer = layout.json::<Manifest>(image).unwrap().layers[0].clone();
    let remove = |what: &Descriptor| fs::remove_file(layout.blob_path(what.digest)).unwrap();
    let refused = || format!("{:#}", workshop.try_build(of(&["s390x"])).unwrap_err());
    let cannot = format!("cannot keep `amd64-d11.1-pkg` in {}: ", workshop.path("images").display());

    remove(&layer);
    let expected = format!("{cannot}its blob {} is missing, or has another size", layer.digest);
    assert_eq!(refused(), expected);
    // What is damaged is what is built: that mends it.
    workshop.build(of(&["amd64"]));
    assert_eq!(workshop.content("images"), whole);

    remove(image);
    assert!(refused().starts_with(&cannot), "{}", refused());
    workshop.build(Build { prune: true, ..of(&["s390x"]) });
    assert_eq!(platforms(&workshop, "images", "pkg"), ["linux/s390x"]);
    workshop.build(Build::default());
    assert_eq!(workshop.content("images"), whole);
}

/// Two builds at once, each of a host: both are there afterwards.
#[test]
fn builds_at_the_same_time_lose_nothing() {
    let workshop = Workshop::small(&HOSTS);
    workshop.build(Build { output: "fresh", ..Build::default() });
    std::thread::scope(|scope| {
        for host in HOSTS {
            let workshop = &workshop;
            scope.spawn(move || workshop.build(of(&[host])));
        }
    });
    assert_eq!(workshop.content("images").0, workshop.content("fresh").0);
    assert!(workshop.is_whole("images"));
}
