//! An OCI image layout on disk (image-spec, image-layout.md).
//!
//! ```text
//! oci-layout            the format's version
//! index.json            one descriptor for each tag
//! blobs/sha256/HEX      everything else, under its digest
//! blobs/sha256/.tmp-*   blobs that are being written
//! ```
//!
//! A file has its final name only once it is whole, so a killed run leaves temporary files and nothing else. (Whole
//! means whole for every process; after a power cut, [`crate::verify`] says what the disk has lost.)

mod blob;
mod error;
mod file;
mod read;
mod unfinished;
mod write;

pub use blob::BlobWriter;
pub use error::LayoutError;
pub(crate) use file::open;
pub use read::Layout;
pub use write::{LayoutWriter, Pruned, Tags, Turn};

use std::path::{Path, PathBuf};

use sha256::Digest;

/// The file that makes a directory a layout, and what it says.
pub(crate) const MARKER: &str = "oci-layout";
pub(crate) const MARKER_TEXT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
pub(crate) const INDEX: &str = "index.json";
pub(crate) const BLOBS: &str = "blobs/sha256";
/// The beginning of the names of unfinished files.
pub(crate) const TEMPORARY: &str = ".tmp-";

/// The path of a blob inside every layout: `blobs/sha256/HEX`.
pub(crate) fn blob_name(digest: Digest) -> String {
    format!("{BLOBS}/{}", digest.hex())
}

pub(crate) fn blob_path(root: &Path, digest: Digest) -> PathBuf {
    root.join(blob_name(digest))
}
