//! `cargo xtask images` on a small archive: builds of a part, outputs of every kind, and what is printed meanwhile.

mod messages;
mod outputs;
mod pace;
mod partial;
mod series;
mod workspace;

use std::collections::BTreeSet;
use std::fs;

use debian::testing::Built;
use debian::testing::small as archive;

use crate::line::Line;

fn archive(version: &str, hosts: &[&str]) -> Built {
    archive::archive(version, hosts).build()
}

/// Everything that is in a layout: `index.json`, and the names of the blobs.
fn content(line: &Line, layout: &str) -> (String, BTreeSet<String>) {
    let blobs = fs::read_dir(line.path(layout).join("blobs/sha256")).unwrap();
    let blobs = blobs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    (line.read(&format!("{layout}/index.json")), blobs.collect())
}
