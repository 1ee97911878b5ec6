//! The layout on disk: written, read, verified, archived, and read by others.

// The lint's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

use qus_publish as publish;

mod archive;
#[path = "../fixture/mod.rs"]
mod fixture;
mod layout;
mod skopeo;
mod verify;
