//! The display while people wait: bars and spinners on a terminal, plain lines elsewhere, and a sign of life every few
//! seconds, all of it on stderr ([`Ui`]); and results on stdout, which has room for one ([`Stdout`]).
//!
//! This crate decides nothing about what is said, and reads no environment.

mod display;
mod heartbeat;
mod paint;
mod stdout;

pub use display::{Options, Task, Ui};
pub use stdout::{Stdout, print};
