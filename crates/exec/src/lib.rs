//! Foreign programs as values: what the kernel would do with a file, and what is done instead.
//!
//! In reading order: [`header`] tells from a file's first bytes what it is; [`script`] reads a `#!` line as the kernel does;
//! [`plan`] puts both together into the command that runs a foreign program. [`abi`] has the numbers of system calls, and
//! [`filter`] makes the seccomp filter that reports every exec. [`mode`] chooses how programs are watched, and [`cpu`] tells which need more than
//! a CPU model that is fast. [`Trailer`] is the
//! end of a file that holds a QEMU.
//!
//! This crate does no I/O: it reads neither files, environment nor processes.

pub mod abi;
pub mod cpu;
pub mod filter;
pub mod header;
pub mod mode;
pub mod plan;
pub mod script;
mod trailer;

pub use trailer::{BadTrailer, Trailer};
