//! The output of a build of a part of a layout, and its archive. What it leaves there is tested in builder.

use std::fs;

use oci::spec::Manifest;
use publish::layout::Layout;

use crate::line::Line;

const HOSTS: [&str; 3] = ["amd64", "s390x", "mipsel"];
const PKG: [&str; 3] = ["images", "--kind", "pkg"];

fn with(more: &[&'static str]) -> Vec<&'static str> {
    [&PKG[..], more].concat()
}

#[test]
fn what_a_part_leaves_is_said() {
    let line = Line::locked(&HOSTS);
    let first = line.run(&with(&["--host", "amd64"])).success();
    let narrow = "\n`pkg` holds only amd64: the other hosts' images are not there, or from another lock; for all hosts: \
                  cargo xtask images --kind pkg\n";
    assert!(first.stderr.contains(narrow), "{}", first.stderr);
    line.run(&PKG).success();
    let again = line.run(&with(&["--host", "mipsel"])).success();
    assert!(again.stderr.ends_with(&format!("nothing changed in {}/target/images\n", line.root())));
    // The index in the layout is what is reported.
    assert!(again.stdout.contains("pkg, d11.1-pkg  3"), "{}", again.stdout);

    let part = ["--host", "amd64", "--dry-run"];
    let layout = format!("{}/target/images", line.root());
    let keeping = line.run(&with(&part)).success();
    let kept = format!("\nwould keep the other 3 tags in {layout}\n");
    assert!(keeping.stdout.ends_with(&kept), "{}", keeping.stdout);
    let pruning = line.run(&[&with(&part)[..], &["--prune"]].concat()).success();
    let going = format!(
        "\nwould remove from {layout}:\n  mips-d11.1-pkg, mips-pkg, s390x-d11.1-pkg\n  and what only "
    );
    assert!(pruning.stdout.contains(&going), "{}", pruning.stdout);
}

#[test]
fn what_is_kept_must_be_whole() {
    let line = Line::locked(&HOSTS);
    line.run(&PKG).success();
    let layout = Layout::open(&line.path("target/images")).unwrap();
    let (_, image) = layout.refs().into_iter().find(|(tag, _)| tag == "amd64-d11.1-pkg").unwrap();
    let layer = layout.json::<Manifest>(&image).unwrap().layers[0].digest;
    fs::remove_file(layout.blob_path(layer)).unwrap();
    let failed = line.run(&with(&["--host", "s390x"])).failure(1);
    let expected = format!(
        "error: cannot keep `amd64-d11.1-pkg` in {}/target/images: its blob {layer} is missing, or has another size\n\
         hint: `cargo xtask images` makes everything again; with --prune, the layout becomes what is built now\n",
        line.root(),
    );
    assert_eq!(failed.stderr, expected);
}

/// An archive holds what was asked for, whatever else the layout's index lists.
#[test]
fn an_archive_of_a_part_is_a_part() {
    let line = Line::locked(&HOSTS);
    line.run(&PKG).success();
    let whole = line.read("target/images/index.json");
    let args = with(&["--host", "s390x", "--archive", "part.tar"]);
    line.run(&args).success();
    assert_eq!(line.read("target/images/index.json"), whole);
    // The same as from a layout that holds nothing else.
    line.run(&[&args[..6], &["other.tar", "--output", "other"]].concat()).success();
    assert_eq!(line.bytes("part.tar"), line.bytes("other.tar"));
}
