//! A build of a part leaves the rest of the layout alone.

use std::collections::BTreeMap;
use std::fs;

use oci::spec::{Descriptor, Index, Manifest};
use publish::layout::Layout;

use super::{archive, content};
use crate::line::Line;

const HOSTS: [&str; 3] = ["amd64", "s390x", "mipsel"];
const PKG: [&str; 3] = ["images", "--kind", "pkg"];

fn with(first: &[&'static str], more: &[&'static str]) -> Vec<&'static str> {
    [first, more].concat()
}

/// Tags with what they point to.
fn tags(line: &Line, layout: &str) -> BTreeMap<String, Descriptor> {
    Layout::open(&line.path(layout)).unwrap().refs().into_iter().collect()
}

/// The platforms of an index.
fn platforms(line: &Line, layout: &str, tag: &str) -> Vec<String> {
    let layout_dir = Layout::open(&line.path(layout)).unwrap();
    let index: Index = layout_dir.json(&tags(line, layout)[tag]).unwrap();
    let platform = |image: &Descriptor| {
        let zstd = if image.is_zstd() { " zstd" } else { "" };
        format!("{}{zstd}", image.platform.as_ref().unwrap())
    };
    index.manifests.iter().filter(|image| !image.is_attestation()).map(platform).collect()
}

const ALL: [&str; 3] = ["linux/amd64", "linux/s390x", "linux/mipsle"];
const REST: &str = ": the other hosts' images are not there, or from another lock; for all hosts: \
                    cargo xtask images --kind pkg\n";

#[test]
fn one_host_again_changes_nothing() {
    let line = Line::locked(&HOSTS);
    line.run(&PKG).success();
    let before = content(&line, "target/images");
    for host in HOSTS {
        let built = line.run(&with(&PKG, &["--host", host])).success();
        assert!(built.stderr.ends_with(&format!("nothing changed in {}/target/images\n", line.root())));
        assert!(!built.stderr.contains("removed"), "{}", built.stderr);
        // The index in the layout is what is reported.
        assert!(built.stdout.contains("pkg, d11.1-pkg  3"), "{}", built.stdout);
        assert_eq!(content(&line, "target/images"), before);
    }
    line.run(&["verify", "target/images"]).success();
}

#[test]
fn hosts_one_by_one_are_the_same_as_all_at_once() {
    let line = Line::locked(&HOSTS);
    for (compression, output, whole) in
        [("gzip", "one", "all"), ("zstd", "one-z", "all-z"), ("both", "one-b", "all-b")]
    {
        let build = [&PKG[..], &["--compression", compression, "--output"]].concat();
        line.run(&[&build[..], &[whole]].concat()).success();
        // In another order than the configuration's.
        for host in ["mipsel", "amd64", "s390x"] {
            let built = line.run(&[&build[..], &[output, "--host", host]].concat()).success();
            assert_eq!(built.stderr.contains(" only "), host != "s390x", "{}", built.stderr);
        }
        assert_eq!(content(&line, output), content(&line, whole), "{compression}");
    }
    let both = [ALL.map(str::to_owned), ALL.map(|platform| format!("{platform} zstd"))].concat();
    assert_eq!(platforms(&line, "one-b", "pkg"), both);
    assert_eq!(platforms(&line, "one-z", "pkg"), ALL.map(|platform| format!("{platform} zstd")));
}

#[test]
fn what_an_index_holds_is_said_in_one_line() {
    let line = Line::locked(&HOSTS);
    let first = line.run(&with(&PKG, &["--host", "amd64"])).success();
    assert!(first.stderr.contains(&format!("\n`pkg` holds only amd64{REST}")), "{}", first.stderr);
    let second = line.run(&with(&PKG, &["--host", "mipsel"])).success();
    assert!(second.stderr.contains(&format!("\n`pkg` holds only amd64, mipsel{REST}")), "{}", second.stderr);
    assert_eq!(platforms(&line, "target/images", "pkg"), ["linux/amd64", "linux/mipsle"]);
    let all = line.run(&PKG).success();
    assert!(!all.stderr.contains(" only "), "{}", all.stderr);
}

/// An image from a newer lock is not put together with what an older one made, which stays under its own tags.
#[test]
fn another_locks_images_stay_out_of_the_index_and_in_the_layout() {
    let line = Line::locked(&HOSTS);
    line.run(&PKG).success();
    let before = tags(&line, "target/images");
    line.serve(&archive("1:11.2.0+ds-1", &HOSTS));
    line.run(&["lock"]).success();
    let built = line.run(&with(&PKG, &["--host", "s390x"])).success();
    assert!(built.stderr.contains(&format!("\n`pkg` holds only s390x{REST}")), "{}", built.stderr);
    let after = tags(&line, "target/images");
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
    line.run(&["verify", "target/images"]).success();

    // Exactly what is asked for, and the same as in an empty folder.
    let dry = line.run(&with(&PKG, &["--prune", "--dry-run"])).success();
    let going = format!(
        "\nwould remove from {}/target/images:\n  amd64-d11.1-pkg, d11.1-pkg, mips-d11.1-pkg, s390x-d11.1-pkg\n  and what \
         only they lead to: ",
        line.root()
    );
    assert!(dry.stdout.contains(&going), "{}", dry.stdout);
    assert_eq!(tags(&line, "target/images"), after);
    let keeping = line.run(&with(&PKG, &["--dry-run"])).success();
    let kept = format!("\nwould keep the other 4 tags in {}/target/images\n", line.root());
    assert!(keeping.stdout.ends_with(&kept), "{}", keeping.stdout);
    let pruned = line.run(&with(&PKG, &["--prune"])).success();
    assert!(pruned.stderr.contains("blobs that no tag leads to any more"), "{}", pruned.stderr);
    line.run(&with(&PKG, &["--output", "fresh"])).success();
    assert_eq!(content(&line, "target/images"), content(&line, "fresh"));
}

/// Hosts of `pkg` images alone, so that everything is little.
#[test]
fn a_build_of_everything_is_everything() {
    let hosts = ["mipsel", "mips64el"];
    let line = Line::locked(&hosts);
    line.run(&["images"]).success();
    let whole = content(&line, "target/images");
    line.run(&["images", "--host", "mips64el"]).success();
    assert_eq!(content(&line, "target/images"), whole);

    line.run(&["images", "--host", "mips64el", "--prune"]).success();
    let names: Vec<String> = tags(&line, "target/images").into_keys().collect();
    assert_eq!(names, ["d11.1-pkg", "mips64el-d11.1-pkg", "mips64el-pkg", "pkg"]);
    line.run(&["images"]).success();
    assert_eq!(content(&line, "target/images"), whole);

    line.serve(&archive("1:11.2.0+ds-1", &hosts));
    line.run(&["lock"]).success();
    line.run(&["images", "--host", "mips64el"]).success();
    assert!(tags(&line, "target/images").contains_key("mips-d11.1-pkg"));
    line.run(&["images"]).success();
    line.run(&["images", "--output", "fresh"]).success();
    assert_eq!(content(&line, "target/images"), content(&line, "fresh"));
}

/// Tags that others put into the layout, without a repository or a tag of ours.
#[test]
fn other_tags_stay_as_they_are() {
    let line = Line::locked(&HOSTS);
    line.run(&with(&PKG, &["--repository", "registry.example/mine"])).success();
    let before = tags(&line, "target/images");
    line.run(&with(&PKG, &["--host", "s390x"])).success();
    let after = tags(&line, "target/images");
    assert_eq!(after["amd64-d11.1-pkg"], before["amd64-d11.1-pkg"]);
    let name = |tag: &str| after[tag].annotations["io.containerd.image.name"].clone();
    assert_eq!(name("amd64-d11.1-pkg"), "registry.example/mine:amd64-d11.1-pkg");
    assert_eq!(name("s390x-d11.1-pkg"), "docker.io/aptman/qus:s390x-d11.1-pkg");
}

#[test]
fn what_is_kept_must_be_whole() {
    let line = Line::locked(&HOSTS);
    line.run(&PKG).success();
    let whole = content(&line, "target/images");
    let layout = Layout::open(&line.path("target/images")).unwrap();
    let image = tags(&line, "target/images")["amd64-d11.1-pkg"].clone();
    let layer = layout.json::<Manifest>(&image).unwrap().layers[0].clone();
    let remove = |what: &Descriptor| fs::remove_file(layout.blob_path(what.digest)).unwrap();

    remove(&layer);
    let failed = line.run(&with(&PKG, &["--host", "s390x"])).failure(1);
    let expected = format!(
        "error: cannot keep `amd64-d11.1-pkg` in {}/target/images: its blob {} is missing, or has another size\n\
         hint: `cargo xtask images` makes everything again; with --prune, the layout becomes what is built now\n",
        line.root(),
        layer.digest
    );
    assert_eq!(failed.stderr, expected);
    // What is damaged is what is built: that mends it.
    line.run(&with(&PKG, &["--host", "amd64"])).success();
    assert_eq!(content(&line, "target/images"), whole);

    remove(&image);
    let failed = line.run(&with(&PKG, &["--host", "s390x"])).failure(1);
    assert!(failed.stderr.starts_with("error: cannot keep `amd64-d11.1-pkg` in "), "{}", failed.stderr);
    line.run(&with(&PKG, &["--host", "s390x", "--prune"])).success();
    assert_eq!(platforms(&line, "target/images", "pkg"), ["linux/s390x"]);
    line.run(&PKG).success();
    assert_eq!(content(&line, "target/images"), whole);
}

/// Two builds at once, each of a host: both are there afterwards.
#[test]
fn builds_at_the_same_time_lose_nothing() {
    let line = Line::locked(&HOSTS);
    line.run(&with(&PKG, &["--output", "fresh"])).success();
    let start = |host: &str| {
        let args = [&PKG[..], &["--host", host]].concat();
        line.command(&args, &[]).stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    for mut build in HOSTS.map(start) {
        assert!(build.wait().unwrap().success());
    }
    assert_eq!(content(&line, "target/images").0, content(&line, "fresh").0);
    line.run(&["verify", "target/images"]).success();
}

/// An archive holds what was asked for, whatever else the layout's index lists.
#[test]
fn an_archive_of_a_part_is_a_part() {
    let line = Line::locked(&HOSTS);
    line.run(&PKG).success();
    let whole = content(&line, "target/images");
    let args = with(&PKG, &["--host", "s390x", "--archive", "part.tar"]);
    line.run(&args).success();
    assert_eq!(content(&line, "target/images"), whole);
    // The same as from a layout that holds nothing else.
    line.run(&[&args[..6], &["other.tar", "--output", "other"]].concat()).success();
    assert_eq!(line.bytes("part.tar"), line.bytes("other.tar"));
}
