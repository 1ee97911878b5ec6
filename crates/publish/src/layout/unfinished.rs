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
        let (file, path) =
            claim(directory, |path| OpenOptions::new().write(true).create_new(true).open(path))
                .map_err(LayoutError::io("write to", directory))?;
        Ok(Unfinished { file, path })
    }

    /// Makes another name of `original` in `directory`: a hard link.
    pub(super) fn link(original: &Path, directory: &Path) -> io::Result<Unfinished> {
        let file = super::open(original)?;
        let ((), path) = claim(directory, |path| fs::hard_link(original, path))?;
        Ok(Unfinished { file, path })
    }

    /// Gives the file its final name, replacing what has it.
    pub(super) fn rename(self, path: &Path) -> Result<(), LayoutError> {
        // After this, the drop below finds nothing to remove, unless both names were of one file: then nothing was renamed.
        fs::rename(&self.path, path).map_err(LayoutError::io("write", path))
    }
}

/// Makes a file in `directory` under a name that nobody has.
fn claim<T>(directory: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(T, PathBuf)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{TEMPORARY}{}-{number}", std::process::id()));
        match make(&path) {
            // Of an earlier process with this number, or one that counts processes on its own, in a container.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return Ok((made?, path)),
        }
    }
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
