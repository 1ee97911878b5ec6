//! Writing a layout.

use std::collections::HashSet;
use std::error::Error;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base::LockFile;
use oci::Blob;
use oci::spec::{Descriptor, Index, media_type};
use sha256::{Digest, VerifyError, VerifyReader};

use super::blob::BlobWriter;
use super::unfinished::Unfinished;
use super::{BLOBS, INDEX, Layout, LayoutError, MARKER, MARKER_TEXT, TEMPORARY, blob_path, file};

/// Writes a layout, or adds to one. Any number of builds may write to one directory at once.
pub struct LayoutWriter {
    root: PathBuf,
    /// Locked, shared, as long as this value lives: who gets the lock for itself is alone.
    lock: LockFile,
}

/// The tags of a layout. As long as this lives, no other process changes them.
pub struct Tags<'a> {
    layout: &'a LayoutWriter,
    turn: Turn,
}

/// The turn of one process to change a layout's tags, and to remove blobs: as long as this lives.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held, not used")] LockFile);

/// The result of [`LayoutWriter::prune`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruned {
    /// Removed this many blobs, of so many bytes in all.
    Removed {
        /// The number of blobs.
        blobs: usize,
        /// Their size.
        bytes: u64,
    },
    /// Removed nothing: another build is writing to the layout, and its blobs have no reference yet.
    InUse,
}

impl LayoutWriter {
    /// Opens the layout at `path`, or makes one there if nothing or an empty directory is there. Removes what a
    /// killed run left unfinished.
    pub fn create(path: &Path) -> Result<LayoutWriter, LayoutError> {
        fs::create_dir_all(path).map_err(LayoutError::io("create", path))?;
        // One at a time: what another one has not finished yet is not what a killed one left.
        let turn = LockFile::from(File::open(path).map_err(LayoutError::io("open", path))?);
        turn.lock().map_err(LayoutError::io("lock", path))?;
        let marker = path.join(MARKER);
        if !marker.is_file() {
            if !is_empty(path)? {
                return Err(LayoutError::Occupied { path: path.to_owned() });
            }
            write_whole(&marker, MARKER_TEXT.as_bytes())?;
        }
        let blobs = path.join(BLOBS);
        fs::create_dir_all(&blobs).map_err(LayoutError::io("create", &blobs))?;
        let lock = LockFile::from(File::open(&blobs).map_err(LayoutError::io("open", &blobs))?);
        if alone(&lock, &blobs)? {
            remove_unfinished(path)?;
            remove_unfinished(&blobs)?;
        }
        lock.lock_shared().map_err(LayoutError::io("lock", &blobs))?;
        Ok(LayoutWriter { root: path.to_owned(), lock })
    }

    /// The layout's directory.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Starts a blob.
    pub fn blob_writer(&self) -> Result<BlobWriter, LayoutError> {
        BlobWriter::create(&self.root)
    }

    /// Adds a document. What is there and is not that document is replaced.
    pub fn put(&self, blob: &Blob) -> Result<(), LayoutError> {
        let path = blob_path(&self.root, blob.digest());
        if self.contains(blob.descriptor()) && file::read(&path).is_ok_and(|old| old == blob.bytes()) {
            return Ok(());
        }
        write_whole(&path, blob.bytes())
    }

    /// The path of a blob, which need not be there.
    pub fn blob_path(&self, digest: Digest) -> PathBuf {
        blob_path(&self.root, digest)
    }

    /// Takes in the blob that `file` holds, in the place of what may be there: by a hard link where the file system allows
    /// one, or else by a copy. `false`: the file is not there, or is not the blob.
    pub fn import(&self, file: &Path, descriptor: &Descriptor) -> Result<bool, LayoutError> {
        if !holds(file, descriptor)? {
            return Ok(false);
        }
        if let Ok(link) = Unfinished::link(file, &self.root.join(BLOBS)) {
            link.rename(&self.blob_path(descriptor.digest))?;
            return Ok(true);
        }
        let mut source = super::open(file).map_err(LayoutError::io("open", file))?;
        let mut blob = self.blob_writer()?;
        io::copy(&mut source, &mut blob).map_err(LayoutError::io("copy", file))?;
        Ok(blob.commit_as(descriptor.digest)?.is_ok())
    }

    /// Makes `file` another name of a blob, in the place of what may be there: a hard link. `false`: the file system does
    /// not allow one.
    pub fn link_to(&self, digest: Digest, file: &Path) -> Result<bool, LayoutError> {
        let directory = file.parent().unwrap_or(Path::new("."));
        match Unfinished::link(&self.blob_path(digest), directory) {
            Ok(link) => link.rename(file).map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// True if the blob is there with the right size. (Its digest was right when it got its name; whether it still is,
    /// [`LayoutWriter::holds`] says.)
    pub fn contains(&self, descriptor: &Descriptor) -> bool {
        let found = blob_path(&self.root, descriptor.digest).symlink_metadata();
        found.is_ok_and(|found| found.is_file() && found.len() == descriptor.size)
    }

    /// True if the blob is there with the right digest: reads it.
    pub fn holds(&self, descriptor: &Descriptor) -> Result<bool, LayoutError> {
        holds(&self.blob_path(descriptor.digest), descriptor)
    }

    /// Makes `refs`, tags of `repository`, all that the layout holds. Returns true if that changed anything; if not,
    /// no file is written. Every blob must be there.
    pub fn finish(&self, repository: &str, refs: &[(String, Descriptor)]) -> Result<bool, LayoutError> {
        self.tags()?.write(repository, refs, &[]).map(|(changed, _turn)| changed)
    }

    /// Takes the layout's tags, to be changed by this process alone: waits for another one that has them.
    pub fn tags(&self) -> Result<Tags<'_>, LayoutError> {
        Ok(Tags { layout: self, turn: self.turn()? })
    }

    /// Waits until no other process changes tags or prunes.
    fn turn(&self) -> Result<Turn, LayoutError> {
        let marker = self.root.join(MARKER);
        let lock = LockFile::from(super::open(&marker).map_err(LayoutError::io("open", &marker))?);
        lock.lock().map_err(LayoutError::io("lock", &marker))?;
        Ok(Turn(lock))
    }

    /// Removes the blobs that no tag leads to, unless another build is writing here. That one removes them at its end:
    /// for it, this build is over, which needs no blob any more that a tag does not lead to. It is over in either case: another
    /// one that waits for its turn finds nobody here, and leaves nothing to a build that has pruned already.
    pub fn prune(&mut self) -> Result<Pruned, LayoutError> {
        self.prune_beyond(self.turn()?, &HashSet::new(), &HashSet::new())
    }

    /// The same by who has just written or read the tags, and so knows of blobs that they lead to, and of `loose` ones that they do
    /// not: if there are no others, no document has to be read. The turn is the one in which they were written or read: between two,
    /// another build may have written others.
    pub fn prune_beyond(
        &mut self,
        turn: Turn,
        known: &HashSet<Digest>,
        loose: &HashSet<Digest>,
    ) -> Result<Pruned, LayoutError> {
        let blobs = self.root.join(BLOBS);
        // One at a time, or two builds that end at once would each see the other, and leave the blobs to it.
        let _turn = turn;
        if !alone(&self.lock, &blobs)? {
            self.lock.unlock().map_err(LayoutError::io("unlock", &blobs))?;
            return Ok(Pruned::InUse);
        }
        // What is not named like a blob is not ours to remove.
        let mut others: HashSet<Digest> =
            names(&blobs)?.iter().filter_map(|name| Digest::from_hex(name).ok()).collect();
        others.retain(|digest| !known.contains(digest));
        if !others.is_subset(loose) {
            let layout = Layout::open(&self.root)?;
            for blob in layout.closure(layout.roots())? {
                others.remove(&blob.digest);
            }
        }
        let (mut removed, mut bytes) = (0, 0);
        for digest in others {
            let path = self.blob_path(digest);
            bytes += fs::metadata(&path).map_or(0, |found| found.len());
            fs::remove_file(&path).map_err(LayoutError::io("remove", &path))?;
            removed += 1;
        }
        self.lock.unlock().map_err(LayoutError::io("unlock", &blobs))?;
        Ok(Pruned::Removed { blobs: removed, bytes })
    }
}

impl Tags<'_> {
    /// The layout as it is; `None` before its first tags.
    pub fn current(&self) -> Result<Option<Layout>, LayoutError> {
        let path = &self.layout.root;
        path.join(INDEX).exists().then(|| Layout::open(path)).transpose()
    }

    /// Leaves them as they are. The turn goes on until what it returns is dropped.
    pub fn leave(self) -> Turn {
        self.turn
    }

    /// Makes `refs`, tags of `repository`, and `kept`, roots that the layout has, all that it holds. Returns true if that
    /// changed anything; if not, no file is written. Every blob must be there. The turn goes on until what it returns is dropped.
    pub fn write(
        self,
        repository: &str,
        refs: &[(String, Descriptor)],
        kept: &[Descriptor],
    ) -> Result<(bool, Turn), LayoutError> {
        let named = |(tag, root): &(String, Descriptor)| root.clone().named(repository, tag);
        let mut manifests: Vec<Descriptor> = refs.iter().map(named).chain(kept.iter().cloned()).collect();
        manifests.sort_by(|a, b| a.tag().cmp(&b.tag()));
        if let Some(missing) = manifests.iter().find(|descriptor| !self.layout.contains(descriptor)) {
            let (tag, size) = (missing.tag().unwrap_or(INDEX), missing.size);
            return Err(LayoutError::Missing {
                path: self.layout.root.clone(),
                descriptor: Box::new(missing.clone()),
                reason: format!("`{tag}` points to it, but no such blob of {size} bytes is there"),
            });
        }
        let bytes = Blob::json(media_type::INDEX, &Index::new(manifests));
        let path = self.layout.root.join(INDEX);
        if file::read(&path).is_ok_and(|old| old == bytes.bytes()) {
            return Ok((false, self.turn));
        }
        write_whole(&path, bytes.bytes())?;
        Ok((true, self.turn))
    }
}

/// True if `file` is the blob that `descriptor` says.
fn holds(file: &Path, descriptor: &Descriptor) -> Result<bool, LayoutError> {
    let opened = match super::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(LayoutError::io("open", file))?,
    };
    let mut verified = VerifyReader::new(opened, descriptor.size, descriptor.digest);
    match io::copy(&mut verified, &mut io::sink()) {
        Ok(_) => Ok(true),
        Err(error) if error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<VerifyError>) => Ok(false),
        Err(error) => Err(LayoutError::io("read", file)(error)),
    }
}

/// True if nobody else holds the lock; if so, it is held for this process alone.
fn alone(lock: &File, path: &Path) -> Result<bool, LayoutError> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(LayoutError::io("lock", path)(error)),
    }
}

fn is_empty(directory: &Path) -> Result<bool, LayoutError> {
    Ok(names(directory)?.iter().all(|name| name.starts_with(TEMPORARY)))
}

fn names(directory: &Path) -> Result<Vec<String>, LayoutError> {
    let fail = LayoutError::io("list", directory);
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(fail)?;
    Ok(entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

fn remove_unfinished(directory: &Path) -> Result<(), LayoutError> {
    for name in names(directory)?.iter().filter(|name| name.starts_with(TEMPORARY)) {
        let path = directory.join(name);
        fs::remove_file(&path).map_err(LayoutError::io("remove", &path))?;
    }
    Ok(())
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = Unfinished::create(directory)?;
    file.write_all(bytes).map_err(LayoutError::io("write", path))?;
    file.rename(path)
}
