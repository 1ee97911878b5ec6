//! The contents of the cache, entry by entry: an entry is what is made, used and removed as a whole.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use sha256::Digest;

use crate::build::memo;

/// A folder of the cache. ARCHITECTURE.md says what is in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Folder {
    Downloads,
    Partial,
    Memos,
    Blobs,
    Register,
    Testbed,
}

impl Folder {
    pub(super) const ALL: [Folder; 6] =
        [Folder::Downloads, Folder::Partial, Folder::Memos, Folder::Blobs, Folder::Register, Folder::Testbed];

    /// Its name below the cache directory.
    pub(super) fn name(self) -> &'static str {
        match self {
            Folder::Downloads => "sha256",
            Folder::Partial => "partial",
            Folder::Memos => "layers",
            Folder::Blobs => "blobs",
            Folder::Register => "register",
            Folder::Testbed => "testbed",
        }
    }
}

/// One file or folder of the cache.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) folder: Folder,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) used: SystemTime,
}

impl Entry {
    /// The file whose lock keeps the entry, for those that have one of their own.
    pub(super) fn lock(&self) -> Option<PathBuf> {
        (self.folder == Folder::Testbed).then(|| self.path.with_added_extension("lock"))
    }
}

/// Every entry, folder by folder. What goes while it is listed is left out.
pub(super) fn list(cache: &Path) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for folder in Folder::ALL {
        let path = cache.join(folder.name());
        list_folder(folder, &path, &mut entries)
            .with_context(|| format!("cannot list {}", path.display()))?;
    }
    date_blobs(&mut entries);
    Ok(entries)
}

/// The memos, by the layer that each remembers.
pub(super) fn memos(entries: &[Entry]) -> BTreeMap<Digest, Vec<&Entry>> {
    let mut found: BTreeMap<Digest, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.folder == Folder::Memos) {
        if let Some(digest) = memo::layer(&entry.path) {
            found.entry(digest).or_default().push(entry);
        }
    }
    found
}

/// The digest that a blob is named by.
pub(super) fn digest(blob: &Path) -> Option<Digest> {
    Digest::from_hex(&blob.file_name()?.to_string_lossy()).ok()
}

/// A layer is used with its memo; its own time says when it was written, and is left alone.
fn date_blobs(entries: &mut [Entry]) {
    let last = |memos: Vec<&Entry>| memos.iter().map(|memo| memo.used).max();
    let used: HashMap<Digest, SystemTime> =
        memos(entries).into_iter().filter_map(|(digest, memos)| Some((digest, last(memos)?))).collect();
    for entry in entries.iter_mut().filter(|entry| entry.folder == Folder::Blobs) {
        if let Some(time) = digest(&entry.path).and_then(|digest| used.get(&digest)) {
            entry.used = entry.used.max(*time);
        }
    }
}

fn list_folder(folder: Folder, path: &Path, entries: &mut Vec<Entry>) -> io::Result<()> {
    let listed = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        listed => listed?,
    };
    for entry in listed {
        let path = entry?.path();
        let lock = path.with_added_extension("lock");
        // Of the testbed, only the trees: what sandboxes write is theirs, and they clean up after each other.
        if is_leftover(&path) || (folder == Folder::Testbed && !lock.is_file()) {
            continue;
        }
        // Every user of a tree opens its lock anew.
        let dated = if folder == Folder::Testbed { &lock } else { &path };
        let measured = size(&path).and_then(|bytes| Ok((bytes, fs::metadata(dated)?.modified()?)));
        match measured {
            Ok((bytes, used)) => entries.push(Entry { folder, path, bytes, used }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Names with a dot are of things that are not finished, or on their way out.
pub(super) fn is_leftover(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The bytes of a file, or of all files below a folder.
fn size(path: &Path) -> io::Result<u64> {
    let metadata = path.symlink_metadata()?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    fs::read_dir(path)?.try_fold(0, |sum, entry| Ok(sum + size(&entry?.path())?))
}
