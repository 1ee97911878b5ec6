//! The reason why a layout could not be read or written.

use std::io;
use std::path::{Path, PathBuf};

use base::Hint;
use oci::spec::Descriptor;

use crate::limits::Exhausted;

/// The reason why a layout could not be read or written. Every message names the path.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The system refused.
    #[error("cannot {operation} {}: {source}", .path.display())]
    Io {
        /// The operation: `write`, `open`.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The output directory has files in it and is no layout.
    #[error("cannot write an image layout to {}: the directory holds other files", .path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// The directory to read is no layout.
    #[error("{} is not an image layout: {reason}", .path.display())]
    NotALayout {
        /// The directory.
        path: PathBuf,
        /// The part that is missing or wrong.
        reason: String,
    },
    /// A blob is not in the layout, or has another size.
    #[error("cannot refer to {} in {}: {reason}", .descriptor.digest, .path.display())]
    Missing {
        /// The layout.
        path: PathBuf,
        /// The blob.
        descriptor: Box<Descriptor>,
        /// The problem: it is missing, or has another size.
        reason: String,
    },
    /// A blob is whole, but no document of its media type.
    #[error("cannot read {}: not a document of type `{media_type}`: {source}", .path.display())]
    Json {
        /// The blob.
        path: PathBuf,
        /// The expected value.
        media_type: String,
        /// The place of the difference.
        source: serde_json::Error,
    },
    /// Documents lead to each other too deep.
    #[error("cannot read {}: it is under {} others, which is the limit", .path.display(), crate::limits::DEPTH)]
    TooDeep {
        /// The index or the image's manifest.
        path: PathBuf,
    },
    /// Documents lead to more than a layout can have.
    #[error("cannot read {}: it leads to {limit}", .path.display())]
    TooMuch {
        /// The layout.
        path: PathBuf,
        /// The limit.
        limit: Exhausted,
    },
    /// A document is too large to be one.
    #[error("cannot read {}: {size} bytes are too many for a document of type `{media_type}`", .path.display())]
    TooLarge {
        /// The blob.
        path: PathBuf,
        /// The expected value.
        media_type: String,
        /// Its size in bytes.
        size: u64,
    },
}

impl LayoutError {
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LayoutError {
        let path = path.to_owned();
        move |source| LayoutError::Io { operation, path, source }
    }
}

impl Hint for LayoutError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            LayoutError::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space, or choose another directory; what is complete is kept and not built again"
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "choose a directory that you may write to"
                }
                _ => return None,
            },
            LayoutError::Occupied { .. } => "choose an empty directory, a new one, or an image layout",
            LayoutError::NotALayout { .. } => "`cargo xtask images` writes one",
            LayoutError::Missing { .. }
            | LayoutError::Json { .. }
            | LayoutError::TooDeep { .. }
            | LayoutError::TooMuch { .. }
            | LayoutError::TooLarge { .. } => {
                "`cargo xtask verify` says everything that is wrong with a layout; building again mends it"
            }
        };
        Some(text.to_owned())
    }
}
