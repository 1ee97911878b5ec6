//! `run` on the real kernel, with Debian's QEMU and programs of other machines out of Debian's packages.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod cases;
mod cpu;
mod first;
mod messages;
mod modes;
mod stand;
mod supervision;
mod terminal;
