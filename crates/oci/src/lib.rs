//! Files to layers to images to an index: pure values, in the terms of the OCI image specification.
//!
//! Read in this order: [`entry`] is one tar header, [`member`] one compressed piece, [`layer`] their
//! concatenation, [`frame`] the same in zstd, [`image`] a manifest and a config over layers, [`index`] the list of a
//! tag's images, [`attestation`] the statements about one of them, [`referrer`] one that is found without the list;
//! [`tarball`] takes a file out of a layer again. [`spec`] holds the JSON documents, [`blob`] their bytes.
//!
//! This crate never reads the clock, the environment or the disk: the same arguments give the same bytes.

pub mod spec;

pub mod attestation;
pub mod blob;
pub mod entry;
pub mod frame;
pub mod image;
pub mod index;
pub mod layer;
pub mod member;
pub mod referrer;
pub mod tarball;

pub use attestation::Attestation;
pub use blob::Blob;
pub use entry::Entry;
pub use frame::{Frame, FrameWriter};
pub use image::{Image, ImageSpec};
pub use index::IndexBuilder;
pub use layer::{Layer, LayerWriter, Piece};
pub use member::{Level, Member};
pub use referrer::Referrer;
pub use tarball::Packed;
