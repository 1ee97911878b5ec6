//! `run`: runs foreign programs, and all that they start, without the kernel's help.
//!
//! The stages, in reading order: [`args`] and [`environment`] are what was given; [`emulators`] finds QEMU; [`command`] finds the
//! program, in its [`place`]; [`machine`] tells what this machine runs by itself, with a [`probe`]; [`cpu`] is what QEMU is to emulate; `policy` decides on every
//! exec, and `userns` leaves it to a kernel's table of its own; [`run`] is the outline, with the choice of a mode. [`check`] says what could be done, [`install`] copies the program,
//! [`help`] is its text, [`failure`] has its messages, and `memory` makes files that a program can be started from.

pub mod args;
pub mod check;
pub mod command;
pub mod cpu;
pub mod emulators;
pub mod environment;
pub mod failure;
pub mod help;
pub mod install;
pub mod machine;
mod memory;
pub mod place;
mod policy;
pub mod probe;
pub mod run;
mod userns;
