//! Files that are written whole or not at all.
//!
//! A regular file, or a name that nothing has yet, gets its content by `rename`: readers see the old file or the new one,
//! and a killed run leaves a temporary file at most. A symbolic link keeps standing: the file that it leads to is replaced.
//! Anything else that can be written to (a device, a FIFO, `/dev/stdout`) is written to as it is, for a rename would put a
//! file in its place. A directory and a socket are refused. `-` is stdout.
//!
//! The crate never decides where a file belongs, and writes nothing but what it is given.

mod draft;
mod error;
mod place;

pub use draft::{Draft, Options, write, write_with};
pub use error::Error;

use std::fs;
use std::io;
use std::path::Path;

use place::Place;

/// True if what is written to `path` ends up in this process's stdout: `-`, `/dev/stdout`.
pub fn is_stdout(path: &Path) -> bool {
    matches!(Place::find(path), Ok(Place::Stdout))
}

/// True if what is written to `path` is no file that can be read again: a device, a FIFO, another open file, stdout.
pub fn is_stream(path: &Path) -> bool {
    matches!(Place::find(path), Ok(Place::Stdout | Place::Stream(_)))
}

/// Removes the regular file at `path`, or the one that a link there leads to. What is no regular file stays: there is no
/// old content in a device.
pub fn remove(path: &Path) -> Result<(), Error> {
    let fail = |source| Error::Remove { path: path.to_owned(), source };
    match Place::find(path).map_err(fail)? {
        Place::File(file) => match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fail(error)),
            _ => Ok(()),
        },
        Place::Stdout | Place::Stream(_) => Ok(()),
    }
}
