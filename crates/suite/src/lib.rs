//! The tests: the real images that they run on, every test binary, and one list of what came of them.
//!
//! [`real()`] builds images and the files of a release, [`qemu`] unpacks this machine's QEMU. [`run()`] has cargo run every test
//! binary, which it starts through this program ([`binary`]), so that each test's outcome is known (`outcome`).
//!
//! This crate is in nothing that ships, and decides nothing about what is tested.

pub mod binary;
mod given;
mod outcome;
pub mod qemu;
mod real;
mod run;

pub use given::{bound_cache, lock};
pub use real::{Place, Wanted, real};
pub use run::run;
