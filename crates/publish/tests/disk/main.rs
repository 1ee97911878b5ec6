//! The layout on disk: written, read, verified, archived, and read by others.

// The lints' exceptions for tests do not reach their helper functions.
#![allow(clippy::unwrap_used)]

use qus_publish as publish;

mod archive;
#[path = "../fixture/mod.rs"]
mod fixture;
mod layout;
mod limits;
mod skopeo;
mod tags;
mod verify;
