//! The folder that a release is written to: files get their names when they are whole, and only ours are ever removed.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context as _, bail};
use base::{LockFile, lock, unlock};
use debian::progress::Progress;
use sha256::{Digest, Hasher};

use crate::sums;

/// The beginning of the names of unfinished files.
const TEMPORARY: &str = ".qus-release-";

/// A release's folder, written by this process alone as long as the value lives.
pub(super) struct Folder {
    path: PathBuf,
    assets: Mutex<BTreeMap<String, Asset>>,
    _lock: LockFile,
}

/// A file of a release.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its name in the folder.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
    /// True if it was not there before, or was another.
    pub written: bool,
}

/// The files of a release, by name, `SHA256SUMS` among them.
#[derive(Debug)]
pub struct Assets {
    /// The folder.
    pub folder: PathBuf,
    /// The files, by name.
    pub files: Vec<Asset>,
    /// The files of an earlier release that are not part of this one.
    pub removed: Vec<String>,
}

impl Assets {
    /// True if anything was written or removed.
    pub fn changed(&self) -> bool {
        !self.removed.is_empty() || self.files.iter().any(|asset| asset.written)
    }
}

impl Folder {
    /// Opens the folder, or makes it; waits for another process that writes to it. What a killed run left is removed.
    pub(super) fn open(path: &Path, progress: &dyn Progress) -> anyhow::Result<Folder> {
        fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
        let cannot_lock = || format!("cannot lock {}", path.display());
        let lock = LockFile::from(File::open(path).with_context(cannot_lock)?);
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                progress.note(&format!("waiting for another run that writes to {}", path.display()));
                lock.lock().with_context(cannot_lock)?;
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot_lock),
        }
        let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for entry in entries.with_context(|| format!("cannot list {}", path.display()))? {
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                remove(&entry.path())?;
            }
        }
        Ok(Folder { path: path.to_owned(), assets: Mutex::default(), _lock: lock })
    }

    /// Makes `pieces`, one behind the other, the content of the file called `name`. What is there already and right stays
    /// as it is.
    pub(super) fn put(&self, name: &str, mode: u32, pieces: &[&[u8]]) -> anyhow::Result<()> {
        let path = self.path.join(name);
        let written = !holds(&path, mode, pieces);
        if written {
            self.write(&path, mode, pieces).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let mut hasher = Hasher::new();
        pieces.iter().for_each(|piece| hasher.update(piece));
        let asset = Asset { name: name.to_owned(), size: hasher.size(), digest: hasher.finish(), written };
        let mut assets = lock(&self.assets);
        match assets.insert(name.to_owned(), asset) {
            None => Ok(()),
            Some(_) => bail!("cannot write {}: two files of the release have this name", path.display()),
        }
    }

    fn write(&self, path: &Path, mode: u32, pieces: &[&[u8]]) -> std::io::Result<()> {
        // A link is nothing to keep here: the files of a release are in its folder.
        match path.symlink_metadata() {
            Ok(found) if !found.is_file() && !found.is_symlink() => {
                return Err(std::io::Error::other("it is no regular file"));
            }
            _ => {}
        }
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.path)?;
        for piece in pieces {
            file.write_all(piece)?;
        }
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.persist(path).map(drop).map_err(|error| error.error)
    }

    /// Writes `SHA256SUMS`, and removes what the one before it names and this one does not.
    pub(super) fn finish(self) -> anyhow::Result<Assets> {
        let before = match fs::read(self.path.join(sums::NAME)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => {
                let path = self.path.join(sums::NAME);
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let mut removed = Vec::new();
        let text = {
            let assets = lock(&self.assets);
            for name in sums::names(&before).into_iter().filter(|name| !assets.contains_key(*name)) {
                if remove(&self.path.join(name))? {
                    removed.push(name.to_owned());
                }
            }
            sums::write(assets.values().map(|asset| (asset.name.as_str(), asset.digest)))
        };
        self.put(sums::NAME, 0o644, &[text.as_bytes()])?;
        let assets = unlock(self.assets);
        Ok(Assets { folder: self.path, files: assets.into_values().collect(), removed })
    }
}

/// True if the file at `path` is a plain file with that mode and content. One that cannot be read counts as another:
/// writing it anew says what is wrong.
fn holds(path: &Path, mode: u32, pieces: &[&[u8]]) -> bool {
    let same = || -> std::io::Result<bool> {
        let found = path.symlink_metadata()?;
        let size: usize = pieces.iter().map(|piece| piece.len()).sum();
        if !found.is_file() || found.len() != size as u64 || found.permissions().mode() & 0o7777 != mode {
            return Ok(false);
        }
        let (mut file, mut buffer) = (File::open(path)?, vec![0; 1 << 16]);
        for chunk in pieces.iter().flat_map(|piece| piece.chunks(1 << 16)) {
            let read = &mut buffer[..chunk.len()];
            file.read_exact(read)?;
            if read != chunk {
                return Ok(false);
            }
        }
        Ok(true)
    };
    same().unwrap_or(false)
}

/// Removes a file; whether it was there.
fn remove(path: &Path) -> anyhow::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot remove {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, files: &[(&str, u32, &[u8])]) -> Assets {
        let folder = Folder::open(path, &debian::progress::Silent).unwrap();
        for (name, mode, bytes) in files {
            folder.put(name, *mode, &[bytes]).unwrap();
        }
        folder.finish().unwrap()
    }

    fn written(assets: &Assets) -> Vec<&str> {
        assets.files.iter().filter(|asset| asset.written).map(|asset| asset.name.as_str()).collect()
    }

    #[test]
    fn only_what_differs_is_written_and_only_what_is_ours_removed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let files: [(&str, u32, &[u8]); 3] = [("a", 0o755, b"a"), ("b", 0o644, b"b"), ("c", 0o644, b"c")];
        assert_eq!(written(&write(dir.path(), &files)), ["SHA256SUMS", "a", "b", "c"]);
        assert_eq!(written(&write(dir.path(), &files)), [""; 0]);

        fs::write(at("theirs"), "mine").unwrap();
        fs::write(at(".qus-release-abc"), "half").unwrap();
        fs::write(at("b"), "B").unwrap();
        fs::set_permissions(at("a"), Permissions::from_mode(0o600)).unwrap();
        let assets = write(dir.path(), &files[..2]);
        assert_eq!(written(&assets), ["SHA256SUMS", "a", "b"]);
        assert_eq!(assets.removed, ["c"]);
        assert_eq!(fs::read(at("b")).unwrap(), b"b");
        assert_eq!(fs::metadata(at("a")).unwrap().permissions().mode() & 0o7777, 0o755);
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["SHA256SUMS", "a", "b", "theirs"]);
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_replaced_and_not_followed() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
        std::os::unix::fs::symlink(other.path(), dir.path().join("a")).unwrap();
        write(dir.path(), &[("a", 0o644, b"a")]);
        assert_eq!(fs::read(other.path()).unwrap(), b"");
        assert!(dir.path().join("a").symlink_metadata().unwrap().is_file());
    }

    #[test]
    fn two_files_of_one_name_are_a_mistake() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), &debian::progress::Silent).unwrap();
        folder.put("a", 0o644, &[b"1"]).unwrap();
        let error = folder.put("a", 0o644, &[b"2"]).unwrap_err().to_string();
        let path = dir.path().join("a");
        assert_eq!(
            error,
            format!("cannot write {}: two files of the release have this name", path.display())
        );
    }
}
