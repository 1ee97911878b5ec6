//! Has cargo compile a program, and reports every few seconds that it still does. In a log, cargo prints a line when it
//! begins a crate and none until the next, and a crate can take half a minute.
//!
//! `cargo xtask` is this crate's program, which compiles `xtask` in that way and becomes it. So it has no dependencies: it is
//! all that a user waits for in silence.

mod compile;
pub mod lines;
mod message;

pub use compile::{Compiled, as_by_hand, cargo, compile};
