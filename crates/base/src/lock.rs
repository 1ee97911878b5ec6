//! Locks of files.

use std::fs::File;
use std::ops::Deref;

/// An open file whose lock (flock(2)) ends when this is dropped.
///
/// Closing the file is not enough: the lock is the open file's, and a process that is just being started has a copy of every
/// descriptor until it executes its program.
#[derive(Debug)]
pub struct LockFile(File);

impl From<File> for LockFile {
    fn from(file: File) -> LockFile {
        LockFile(file)
    }
}

impl Deref for LockFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // What cannot be unlocked is closed, as any file.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_though_others_have_the_file_open() {
        let open = || File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        let lock = LockFile::from(open());
        lock.lock().unwrap();
        let _inherited = lock.try_clone().unwrap();
        let other = open();
        assert!(other.try_lock().is_err());
        drop(lock);
        other.try_lock().unwrap();
    }
}
