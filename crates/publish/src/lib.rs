//! The places that an index goes to: an image layout on disk, an archive, a Docker engine, a registry.
//!
//! A build writes through [`layout::LayoutWriter`]; everything else reads that layout. [`archive`] makes one tar
//! of it, [`verify`] proves it, [`registry`] pushes it with the user's [`credentials`],
//! [`engine`] loads it into Docker or podman.

pub mod archive;
mod configuration;
pub mod credentials;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
mod hint;
pub mod layout;
pub mod limits;
pub mod registry;
pub mod verify;

pub use hint::hint;
