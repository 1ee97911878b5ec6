//! Files with keys.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::key::KeyError;

/// The most bytes of a file with a key: one in PEM has some hundred.
const MOST: u64 = 64 << 10;

/// A file that no key was read from.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It could not be read.
    #[error("cannot read {0}")]
    Read(String, #[source] io::Error),
    /// It is no key, or not the one that is wanted.
    #[error("cannot use {0}")]
    Key(String, #[source] KeyError),
}

/// Reads the file at `path`, or standard input as `-`, as `parse` does.
pub fn read<T>(path: &Path, parse: fn(&str) -> Result<T, KeyError>) -> Result<T, FileError> {
    let (is_stdin, mut text) = (path.as_os_str() == "-", String::new());
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let read = match is_stdin {
        true => io::stdin().lock().take(MOST).read_to_string(&mut text),
        false => File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text)),
    };
    match read {
        // What is no text is no key: nothing of it is shown.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => text.clear(),
        Err(error) => return Err(FileError::Read(name, error)),
        Ok(_) => {}
    }
    parse(&text).map_err(|error| FileError::Key(name, error))
}
