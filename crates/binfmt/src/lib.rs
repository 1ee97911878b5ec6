//! binfmt_misc itself: what the kernel's table of interpreters holds, and how to change it.
//!
//! In reading order: [`Flags`] and [`Entry`] are values (the kernel's text and the line that registers them); [`mount`]
//! finds the file system; [`BinfmtMisc`] is a mounted one, with its operations: list, register, replace, remove.
//! Every write is read back and compared, because a write that succeeds is not yet an entry that holds.
//!
//! This crate knows the kernel and nothing of QEMU: which entries are wanted is `register`'s business. It prints
//! nothing and reads no environment variable.

mod entry;
mod error;
mod flags;
mod kernel;
mod misc;
pub mod mount;
mod replace;

pub use entry::{Entry, Invalid, Recognition, Unreadable};
pub use error::{Error, Result};
pub use flags::{Flags, UnknownFlag};
pub use kernel::{Kernel, in_initial_pid_namespace, in_initial_user_namespace};
pub use misc::{BinfmtMisc, Listed};
