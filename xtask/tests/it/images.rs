//! `cargo xtask images` on a small archive: builds of a part, outputs of every kind, and what is printed meanwhile.

mod messages;
mod outputs;
mod pace;
mod partial;
mod series;
mod workspace;

use debian::testing::Built;
use debian::testing::small as archive;

fn archive(version: &str, hosts: &[&str]) -> Built {
    archive::archive(version, hosts).build()
}
