//! `images/conformance.toml`: the outcomes of real programs under each QEMU.
//!
//! [`Results`] are what `cargo xtask conformance` found on one or more machines: a system is the programs of one architecture of
//! Debian, run on one host, and has an [`Outcome`] for each workload under the QEMU of each [`Series`]. The file is made by
//! machines and read by people, as the lock is: sorted, a workload a line.
//!
//! This crate reads and writes no file, runs nothing, and knows no workload: text in, text out.

mod display;
mod outcome;
mod parse;
mod series;
mod system;

pub use outcome::{Cell, Outcome};
pub use parse::ParseError;
pub use series::Series;
pub use system::{Key, Qemu, Results, System};

/// The place of the file below the root of the repository.
pub const PATH: &str = "images/conformance.toml";
