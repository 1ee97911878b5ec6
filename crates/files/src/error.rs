//! Reasons why a file cannot be written.

use std::io;
use std::path::PathBuf;

/// The reason why a file cannot be written or removed. The message names the file; the system's is its source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file, as the caller named it.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file cannot be removed.
    #[error("cannot remove {}", .path.display())]
    Remove {
        /// The file, as the caller named it.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl Error {
    /// The system's reason alone, for callers that name the file themselves.
    pub fn into_io(self) -> io::Error {
        match self {
            Error::Write { source, .. } | Error::Remove { source, .. } => source,
        }
    }
}
