//! The programs of a full check, one for each target that there is a compiler for, and the meaning of what they write.
//!
//! Their source is in `program`, which is no part of this crate: it is built for the targets, before this crate is built for a
//! host, and put into it as [`program`] gives it out.

/// The texts of failures, in the order of their numbers.
macro_rules! failures {
    ($($name:ident $text:literal,)*) => {
        pub(crate) static FAILURES: &[&str] = &[$($text),*];
    };
}

mod account;
#[path = "program/failures.rs"]
mod failures;
// For the tools that follow `mod`; nothing else sees it here.
#[cfg(trial)]
#[path = "program/main.rs"]
mod program_source;

pub use account::Account;

/// In the order of targets' names.
static PROGRAMS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/programs.rs"));

/// The program for a target, by the name of QEMU's binary. A copy of this crate has all programs or none.
pub fn program(binary: &str) -> Option<&'static [u8]> {
    PROGRAMS.iter().find(|(name, _)| *name == binary).map(|(_, program)| *program)
}

/// True if this copy of the crate has the programs.
pub fn are_there() -> bool {
    !PROGRAMS.is_empty()
}
