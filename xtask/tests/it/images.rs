//! `cargo xtask images` on a small archive: builds of a part, outputs of every kind, and what is printed meanwhile.

mod messages;
mod outputs;
mod pace;
mod partial;
mod workspace;

use crate::archive;
use crate::line::Line;
use debian::testing::Built;

fn archive(version: &str, hosts: &[&str]) -> Built {
    archive::archive(version, hosts).build()
}

/// A workspace with a lock of `hosts`.
fn locked(hosts: &[&str]) -> Line {
    let line = Line::new(hosts, &archive("1:11.1.3+ds-1", hosts));
    line.run(&["lock"]).success();
    line
}
