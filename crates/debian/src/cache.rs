//! The download cache: files under the name of their digest.
//!
//! - `sha256/HEX`: complete; its digest was checked before it got this name.
//! - `partial/HEX`: a download under way; who writes it holds its file lock.
//!
//! A file gets its final name by `rename` after it was flushed, so a killed process leaves a partial file that the next
//! one resumes, and never a wrong file under a right name. File locks vanish with their process.
//!
//! Everything in the cache is believed but what has a digest, so a cache that others can write to is refused.
//!
//! Every process that has the cache open holds the folder `sha256` locked, shared; what makes room takes the lock for itself
//! ([`Cache::alone`]), so nothing goes that somebody uses. A file's time of modification is when it was last used.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base::{Hint, LockFile};
use private::Exposed;
use rustix::fs::OFlags;
use sha256::{Digest, VerifyReader};

mod private;

/// A folder of files under their digests.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
    /// The folder `sha256`, locked, shared, as long as this value or a clone of it lives.
    lock: Arc<LockFile>,
}

/// While this lives, no other process has the cache open.
pub struct Alone<'a> {
    cache: &'a Cache,
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        // Sharing again fails only if the file system has no locks, and then there was none to begin with.
        drop(self.cache.lock.lock_shared());
    }
}

/// The cache cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}", path.display())]
pub struct Error {
    operation: &'static str,
    path: PathBuf,
    #[source]
    error: io::Error,
}

const OTHER: &str = "QUS_CACHE_DIR names another folder for the cache";

impl Error {
    fn at<'a>(operation: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
        move |error| Error { operation, path: path.to_owned(), error }
    }
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        Some(match (Exposed::of(&self.error), self.error.kind()) {
            (Some(Exposed::Mode(_)), _) => {
                let path = self.path.display();
                format!("`chmod go-rwx {path}` if nobody else had a hand in it, or remove it; {OTHER}")
            }
            (None, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                "make room, or point QUS_CACHE_DIR at another disk; what was fetched so far is kept"
                    .to_owned()
            }
            _ => OTHER.to_owned(),
        })
    }
}

impl Cache {
    /// Opens the cache in `dir`, and makes the folder where it is missing. Fails if other users can write to it.
    pub fn open(dir: &Path) -> Result<Cache, Error> {
        for part in ["sha256", "partial"] {
            let path = dir.join(part);
            // Its user's alone (XDG Base Directory Specification, "Referencing this specification"), whatever the umask is.
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(Error::at("create the cache folder", &path))?;
        }
        private::check(dir)?;
        let path = dir.join("sha256");
        let lock = LockFile::from(File::open(&path).map_err(Error::at("open", &path))?);
        lock.lock_shared().map_err(Error::at("lock", &path))?;
        Ok(Cache { dir: dir.to_owned(), lock: Arc::new(lock) })
    }

    /// The cache's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes the cache for this process alone; `None` while another one has it open.
    pub fn alone(&self) -> Result<Option<Alone<'_>>, Error> {
        let path = self.dir.join("sha256");
        match self.lock.try_lock() {
            Ok(()) => Ok(Some(Alone { cache: self })),
            Err(TryLockError::WouldBlock) => {
                // A failed attempt can lose the lock that was held.
                self.lock.lock_shared().map_err(Error::at("lock", &path))?;
                Ok(None)
            }
            Err(TryLockError::Error(error)) => Err(Error::at("lock", &path)(error)),
        }
    }

    /// `QUS_CACHE_DIR`, else `$XDG_CACHE_HOME/qus`, else `$HOME/.cache/qus`; `None` without any. `env` looks a variable
    /// up. A relative `XDG_CACHE_HOME` is ignored (XDG Base Directory Specification, "Environment variables").
    pub fn default_dir(env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let var = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        var("QUS_CACHE_DIR")
            .or_else(|| var("XDG_CACHE_HOME").filter(|dir| dir.is_absolute()).map(|dir| dir.join("qus")))
            .or_else(|| var("HOME").map(|home| home.join(".cache/qus")))
    }

    /// The path of the file with `digest`, whether or not it is there.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join("sha256").join(digest.hex())
    }

    /// The complete file, if it is there with the right size. One of another size is damaged and is removed.
    pub fn get(&self, size: u64, digest: &Digest) -> Result<Option<PathBuf>, Error> {
        let path = self.path(digest);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.len() == size => {
                touch(&path);
                Ok(Some(path))
            }
            Ok(_) => self.remove(digest).map(|()| None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::at("look for", &path)(error)),
        }
    }

    /// Reads a cached file; the end is reached only if size and digest match.
    pub fn read(&self, size: u64, digest: &Digest) -> Result<VerifyReader<File>, Error> {
        let path = self.path(digest);
        let file = File::open(&path).map_err(Error::at("open", &path))?;
        Ok(VerifyReader::new(file, size, *digest))
    }

    /// Forgets a file that turned out to be damaged, so that it is fetched again.
    pub fn remove(&self, digest: &Digest) -> Result<(), Error> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::at("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    /// The partial file of `digest`, locked for this caller alone; waits while another one fetches it. `None`: the file
    /// was completed meanwhile.
    pub(crate) async fn partial(&self, size: u64, digest: &Digest) -> Result<Option<Partial>, Error> {
        let path = self.dir.join("partial").join(digest.hex());
        loop {
            if self.get(size, digest)?.is_some() {
                return Ok(None);
            }
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                // What others have put there is not written to: neither where a link leads, nor a device or a pipe.
                .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
                .open(&path)
                .map_err(Error::at("open", &path))?;
            let found = file.metadata().map_err(Error::at("look at", &path))?;
            if !found.is_file() || found.nlink() > 1 {
                return Err(Error::at("write", &path)(io::Error::other("it is no file of its own")));
            }
            match file.try_lock() {
                // The one that held the lock may have renamed or removed the file that was opened here.
                Ok(()) if is_at(&file, &path) => {
                    return Ok(Some(Partial { file, path, destination: self.path(digest) }));
                }
                Ok(()) => {}
                // Polled, so that a cancelled build does not leave a thread waiting in the kernel.
                Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(TryLockError::Error(error)) => return Err(Error::at("lock", &path)(error)),
            }
        }
    }
}

/// Notes that a file or a folder of the cache is in use now. What cannot be noted only looks older than it is.
pub fn touch(path: &Path) {
    drop(File::open(path).and_then(|file| file.set_modified(SystemTime::now())));
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(opened), Ok(there)) => (opened.dev(), opened.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// A download under way, locked.
pub(crate) struct Partial {
    pub(crate) file: File,
    path: PathBuf,
    destination: PathBuf,
}

impl Partial {
    /// Names an I/O error by this file.
    pub(crate) fn error(&self, operation: &'static str) -> impl FnOnce(io::Error) -> Error + '_ {
        Error::at(operation, &self.path)
    }

    /// Leaves behind what a later download can resume, and nothing where that is nothing. The next holder of the lock finds
    /// the file gone, and makes it anew.
    pub(crate) fn abandon(self) {
        if self.file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            // At worst an empty file stays.
            drop(fs::remove_file(&self.path));
        }
    }

    /// Flushes the file and gives it its final name. The caller has checked its digest.
    pub(crate) fn complete(self) -> Result<PathBuf, Error> {
        self.file.sync_all().map_err(self.error("flush"))?;
        fs::rename(&self.path, &self.destination).map_err(Error::at("complete", &self.destination))?;
        Ok(self.destination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_folder_follows_the_environment() {
        let check = |vars: &[(&str, &str)], expected: Option<&str>| {
            let env = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).to_owned());
            assert_eq!(Cache::default_dir(env), expected.map(PathBuf::from));
        };
        check(&[("QUS_CACHE_DIR", "/q"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], Some("/q"));
        check(&[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], Some("/x/qus"));
        check(&[("QUS_CACHE_DIR", ""), ("XDG_CACHE_HOME", "x"), ("HOME", "/h")], Some("/h/.cache/qus"));
        check(&[], None);
    }

    #[test]
    fn a_file_of_the_wrong_size_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path()).unwrap();
        let digest = Digest::of(b"abc");
        fs::write(cache.path(&digest), b"ab").unwrap();
        assert_eq!(cache.get(3, &digest).unwrap(), None);
        assert!(!cache.path(&digest).exists());
        fs::write(cache.path(&digest), b"abc").unwrap();
        assert_eq!(cache.get(3, &digest).unwrap(), Some(cache.path(&digest)));
    }

    #[test]
    fn what_is_used_looks_new() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path()).unwrap();
        let digest = Digest::of(b"abc");
        fs::write(cache.path(&digest), b"abc").unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        File::open(cache.path(&digest)).unwrap().set_modified(old).unwrap();
        let before = SystemTime::now();
        cache.get(3, &digest).unwrap();
        let used = fs::metadata(cache.path(&digest)).unwrap().modified().unwrap();
        // File systems keep coarser times than the clock has.
        assert!(used + Duration::from_secs(1) > before, "{used:?}");
    }

    #[test]
    fn a_cache_is_one_users_alone_only_while_no_other_has_it_open() {
        let dir = tempfile::tempdir().unwrap();
        let one = Cache::open(dir.path()).unwrap();
        assert!(one.clone().alone().unwrap().is_some());
        let other = Cache::open(dir.path()).unwrap();
        assert!(one.alone().unwrap().is_none() && other.alone().unwrap().is_none());
        drop(other);
        let alone = one.alone().unwrap();
        assert!(alone.is_some());
        // The next one waits.
        let folder = File::open(dir.path().join("sha256")).unwrap();
        assert!(matches!(folder.try_lock_shared(), Err(TryLockError::WouldBlock)));
        drop(alone);
        folder.try_lock_shared().unwrap();
    }

    #[tokio::test]
    async fn nothing_else_under_a_partial_files_name_is_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path()).unwrap();
        let digest = Digest::of(b"abc");
        let (path, other) = (dir.path().join("partial").join(digest.hex()), dir.path().join("other"));
        fs::write(&other, "mine").unwrap();
        let check = async |expected: &str| {
            let error = cache.partial(3, &digest).await.map(drop).unwrap_err();
            let cause = std::error::Error::source(&error).unwrap();
            assert_eq!(format!("{error}: {cause}"), expected.replace("PATH", &path.display().to_string()));
            assert_eq!(fs::read(&other).unwrap(), b"mine");
            fs::remove_file(&path).unwrap();
        };
        std::os::unix::fs::symlink(&other, &path).unwrap();
        check("cannot open PATH: Too many levels of symbolic links (os error 40)").await;
        std::os::unix::fs::symlink(dir.path().join("new"), &path).unwrap();
        check("cannot open PATH: Too many levels of symbolic links (os error 40)").await;
        assert!(!dir.path().join("new").exists());
        fs::hard_link(&other, &path).unwrap();
        check("cannot write PATH: it is no file of its own").await;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        check("cannot write PATH: it is no file of its own").await;
        assert!(cache.partial(3, &digest).await.unwrap().is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Cache::open(file.path()).unwrap_err();
        let path = file.path().display();
        assert_eq!(error.to_string(), format!("cannot create the cache folder {path}/sha256"));
        assert_eq!(error.hint().as_deref(), Some("QUS_CACHE_DIR names another folder for the cache"));
    }
}
