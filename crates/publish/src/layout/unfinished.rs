//! A file without its final name yet.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{LayoutError, TEMPORARY};

/// A file that is being written. Dropped, it is gone; a killed process leaves it, under a name that says what it is.
pub(super) struct Unfinished {
    file: File,
    path: PathBuf,
}

impl Unfinished {
    /// Creates one in `directory`, which must be where it will stay.
    pub(super) fn create(directory: &Path) -> Result<Unfinished, LayoutError> {
        loop {
            let path = next_name(directory);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Unfinished { file, path }),
                // Of an earlier process with this number, or one that counts processes on its own, in a container.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(LayoutError::io("write to", directory)(error)),
            }
        }
    }

    /// Makes another name of `original` in `directory`: a hard link.
    pub(super) fn link(original: &Path, directory: &Path) -> io::Result<Unfinished> {
        let file = super::open(original)?;
        loop {
            let path = next_name(directory);
            match fs::hard_link(original, &path) {
                Ok(()) => return Ok(Unfinished { file, path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the file its final name, replacing what has it.
    pub(super) fn rename(self, path: &Path) -> Result<(), LayoutError> {
        // After this, the drop below finds nothing to remove, unless both names were of one file: then nothing was renamed.
        fs::rename(&self.path, path).map_err(LayoutError::io("write", path))
    }
}

fn next_name(directory: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    directory.join(format!("{TEMPORARY}{}-{number}", std::process::id()))
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Nothing can be done about a failure, and the next build cleans up.
        drop(fs::remove_file(&self.path));
    }
}

impl io::Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
