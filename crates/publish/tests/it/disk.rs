//! The layout on disk: written, read, verified, archived, and read by others.

mod archive;
mod layout;
mod limits;
mod skopeo;
mod tags;
mod verify;
