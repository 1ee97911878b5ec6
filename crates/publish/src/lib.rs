//! Where an index goes: an image layout on disk, an archive, a Docker engine, a registry.
//!
//! A build writes through [`layout::LayoutWriter`]; everything else reads that layout. [`archive`] makes one tar
//! of it, [`verify`] proves it.

pub mod archive;
pub mod layout;
pub mod verify;
