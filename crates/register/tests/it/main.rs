//! `register` from outside: its command line, and what it does on real kernels.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod command_line;
mod cpu;
mod faces;
mod failures;
mod full;
mod hosts;
mod interrupt;
mod kernel;
mod magic;
mod place;
#[path = "../../../binfmt/tests/private/mod.rs"]
mod private;
mod qemu;
mod view;
