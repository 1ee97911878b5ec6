//! Watches what a process and its descendants execute, and puts other programs in the place of some.
//!
//! [`Watched`] makes the calling process one that is watched: a supervisor, a process of its own, attaches to it (ptrace), and a
//! seccomp filter stops it and its descendants at every exec. The supervisor asks a [`Policy`] about each, which sees the
//! process's files as the process does ([`Guest`]), and leaves the exec alone, refuses it, or has another program executed
//! instead ([`Replacement`]). [`front`] is the other arrangement, for process 1.
//!
//! Three things are changed in a process, and only while it is stopped in its exec: registers, memory below its stack pointer
//! (or mapped for it), and the mask of blocked signals. All are given back when the exec has failed.
//!
//! The filter reports to the tracer, or to a listener ([`Reports`]): then a process is attached to only for an exec that is
//! to be changed.
//!
//! In reading order: `start` and `front` arrange processes; `supervisor` is the loop; `rewrite` takes one process through its
//! exec; `layout` puts the new arguments together; `guest`, `memory`, `share` and `host` are the ways into a process; `ptrace`
//! and `seccomp` are the system calls, `signals` what an exec leaves alone. This crate knows neither QEMU nor any program format. It claims to be no sandbox: a
//! process can change its arguments after they were looked at.
//!
//! # Safety
//!
//! `unsafe` is for system calls that rustix has no safe form of, in files that say so at their top. Memory of other processes is
//! only reached through the kernel; pointers that are passed to it are to values of this process that live across the call.

mod error;
mod execute;
pub mod front;
mod guest;
mod host;
mod layout;
mod listener;
mod memory;
mod ptrace;
mod rewrite;
mod seccomp;
mod share;
mod signals;
mod start;
mod supervisor;

pub use error::Error;
pub use exec::filter::Reports;
pub use execute::execute;
pub use guest::{FileId, Guest, Program, may_execute};
pub use layout::Word;
pub use rewrite::Replacement;
pub use start::{Watched, possible};
pub use supervisor::{Decision, Exec, Policy};
