//! One table of hosts and one of targets, under every name that the outside world uses.
//!
//! A [`Host`] is the machine that an image runs on, named as Docker's official images name it (`arm64v8`); a
//! [`Target`] is the foreign architecture that QEMU emulates, named as QEMU names it (`aarch64`). Both parse from
//! any of their names and print as the first; a name that is neither is an [`UnknownName`] with a suggestion. [`PLATFORMS`]
//! are the targets that images are built for, under the names that `--platform` takes. [`program`] has a tiny program of each
//! target. A [`CpuModel`] makes QEMU faster than its default does.
//!
//! This crate does no I/O and knows nothing that is not in its tables.

mod cpu;
mod elf;
mod host;
mod magic;
mod name;
mod platform;
pub mod program;
mod target;

pub use cpu::CpuModel;
pub use elf::{Class, Elf, Endian};
pub use host::Host;
pub use magic::Magic;
pub use name::{Suggestion, UnknownName};
pub use platform::{PLATFORMS, Platform};
pub use target::{Status, Target};
