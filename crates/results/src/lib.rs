//! `images/conformance.toml`: the outcomes of real programs under each QEMU, and the QEMU that they choose.
//!
//! [`Results`] are what `cargo xtask conformance` found on one or more machines: a system is the programs of one architecture of
//! Debian, run on one host, and has an [`Outcome`] for each workload under the QEMU of each [`Series`]. The file is made by
//! machines and read by people, as the lock is: sorted, a workload a line.
//!
//! [`rule`] is how they choose the QEMU of a cell, and [`choices`] does so for each cell of a lock.
//!
//! [`Speeds`] are another file's, `benches/emulation.json`: the time of programs under each QEMU and CPU model. They choose nothing.
//!
//! This crate reads and writes no file, runs nothing, and knows no workload: text in, text out.

mod choices;
mod display;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
mod outcome;
mod parse;
pub mod rule;
mod series;
mod speed;
mod system;
mod total;

pub use choices::{ByHand, Choices, choices};
pub use outcome::{Cell, Outcome};
pub use parse::ParseError;
pub use rule::{Choice, Reason};
pub use series::Series;
pub use speed::{INTERPRETERS, Speeds, TargetSpeeds, Way};
pub use system::{Key, Qemu, Results, System};
pub use total::Total;

/// The place of the file below the root of the repository.
pub const PATH: &str = "images/conformance.toml";

/// The place of the file with [`Speeds`].
pub const SPEEDS: &str = "benches/emulation.json";
