//! For tests: a small signed archive, made on the spot and always the same, and a server that can misbehave.
//!
//! Only in builds with the feature `testing`; nothing that ships uses it. Failures here are bugs in a test, so that it
//! panics where the rest of the crate returns errors.

mod archive;
mod deb;
mod elf;
pub mod fuzz;
mod key;
mod server;
pub mod small;

pub use archive::{Archive, Built, Suite};
pub use deb::{Deb, around, entry};
pub use elf::{dynamic_elf, elf};
pub use key::Key;
pub use server::{Fault, Server};

/// The moment at which the archives are current: 2026-01-01T00:00:00Z.
pub const NOW: i64 = 1_767_225_600;
