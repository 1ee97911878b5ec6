//! The memo of which layers were made from what: so that a layer is made once, and never again while its inputs are the same. It
//! also has notes of other things that are known once, such as the facts about a package.
//!
//! A memo is a small file named by the digest of everything that the layer's bytes depend on, which it also holds: one that was
//! copied to another name is none. Beside the memos the cache
//! has the layers themselves, under their digests: hard links to the layout's blobs, which take no room while the layout
//! has them, and bring them back when it does not any more. (There are none where the cache and the layout are on
//! different file systems.)
//!
//! What has changed since it was made is not used: the layer is made again. A memo knows when its layer's files were
//! written; a file of another time or size is hashed before it counts, and the others are not read. So nothing may touch
//! these files, and the memo's own time says when the layer was last used.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use debian::cache::touch;
use oci::Layer;
use oci::spec::Descriptor;
use publish::layout::LayoutWriter;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha256::Digest;

use super::layers::{LayerFile, Made};
use crate::sealed;

/// Raised with every change to what is put into layers or to how `oci` writes them (its golden digests tell), and to what a
/// memo says.
const FORMAT: u32 = 6;

/// The most files that a memo knows: layouts on other file systems than the cache have one each.
const KNOWN: usize = 8;

/// Everything that a layer depends on, and its digest.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    text: String,
    digest: Digest,
}

impl Key {
    /// `parts` say what the layer is and name its inputs.
    pub(crate) fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Key {
        let mut text = format!("layer {FORMAT}");
        for part in parts {
            text.push('\n');
            text.push_str(part);
        }
        Key { digest: Digest::of(text.as_bytes()), text }
    }
}

/// The folders of memos and of the layers that they remember.
pub(crate) struct Memo {
    memos: PathBuf,
    blobs: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Record {
    /// The layer's inputs: the text of its key.
    inputs: String,
    descriptor: Descriptor,
    diff_id: Digest,
    unpacked_size: u64,
    /// The layer's regular files.
    files: Vec<LayerFile>,
    /// When the files were written that were the layer: the newest last.
    written: Vec<Written>,
}

/// Something else that is known.
#[derive(Serialize, Deserialize)]
struct Note<T> {
    /// The text of its key.
    inputs: String,
    note: T,
}

/// The part that every memo has.
#[derive(Deserialize)]
struct Inputs {
    inputs: String,
}

/// A file's time of modification, in seconds and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Written(i64, i64);

impl Record {
    /// True if the file is one that was the layer, and has not been written to since.
    fn knows(&self, file: &Path) -> bool {
        fs::symlink_metadata(file).is_ok_and(|found| {
            let written = Written(found.mtime(), found.mtime_nsec());
            found.is_file() && found.len() == self.descriptor.size && self.written.contains(&written)
        })
    }

    /// Notes that the file is the layer now.
    fn learn(&mut self, file: &Path) -> io::Result<()> {
        let found = fs::symlink_metadata(file)?;
        self.written.push(Written(found.mtime(), found.mtime_nsec()));
        let surplus = self.written.len().saturating_sub(KNOWN);
        self.written.drain(..surplus);
        Ok(())
    }
}

impl Memo {
    pub(crate) fn open(cache: &Path) -> anyhow::Result<Memo> {
        let folder = |name: &str| {
            let folder = cache.join(name);
            fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
            anyhow::Ok(folder)
        };
        Ok(Memo { memos: folder("layers")?, blobs: folder("blobs")? })
    }

    /// The layer made from `key`, in the layout; `None` if it must be made.
    pub(crate) fn get(&self, key: &Key, layout: &LayoutWriter) -> anyhow::Result<Option<Made>> {
        let path = self.path(key);
        let record = fs::read(&path).ok().as_deref().and_then(parse);
        let Some(mut record) = record.filter(|record| record.inputs == key.text) else { return Ok(None) };
        let kept = self.blob(&record.descriptor);
        if record.knows(&layout.blob_path(record.descriptor.digest)) {
            touch(&path);
        } else if layout.holds(&record.descriptor)? || layout.import(&kept, &record.descriptor)? {
            self.write(&path, &mut record, layout)?;
        } else {
            // Gone, or damaged: the next one takes its place, and in the layout that of what is damaged there.
            files::remove(&kept)?;
            return Ok(None);
        }
        if kept.exists() && !record.knows(&kept) {
            layout.link_to(record.descriptor.digest, &kept)?;
        }
        let Record { descriptor, diff_id, unpacked_size, files, .. } = record;
        Ok(Some(Made { layer: Layer { descriptor, diff_id, unpacked_size }, files }))
    }

    /// The note about `key`, if there is one.
    pub(crate) fn note<T: DeserializeOwned>(&self, key: &Key) -> Option<T> {
        let path = self.path(key);
        let memo = fs::read(&path).ok()?;
        let note: Note<T> = sealed::read(&memo)?;
        touch(&path);
        (note.inputs == key.text).then_some(note.note)
    }

    /// True if something was noted about `key`.
    pub(crate) fn knows(&self, key: &Key) -> bool {
        self.note::<serde::de::IgnoredAny>(key).is_some()
    }

    /// Notes something that follows from `key` alone.
    pub(crate) fn put_note<T: Serialize>(&self, key: &Key, note: &T) -> anyhow::Result<()> {
        let note = Note { inputs: key.text.clone(), note };
        Ok(files::write(&self.path(key), &sealed::write(&note)?)?)
    }

    /// Remembers that a layer, which is in the layout, was made from `key`.
    pub(crate) fn put(&self, key: &Key, made: &Made, layout: &LayoutWriter) -> anyhow::Result<()> {
        let Made { layer: Layer { descriptor, diff_id, unpacked_size }, files } = made.clone();
        // Where a hard link is not possible, the layer is in the layout alone.
        layout.link_to(descriptor.digest, &self.blob(&descriptor))?;
        let inputs = key.text.clone();
        let mut record = Record { inputs, descriptor, diff_id, unpacked_size, files, written: Vec::new() };
        self.write(&self.path(key), &mut record, layout)
    }

    /// Writes the memo of a layer that is in the layout.
    fn write(&self, path: &Path, record: &mut Record, layout: &LayoutWriter) -> anyhow::Result<()> {
        let blob = layout.blob_path(record.descriptor.digest);
        record.learn(&blob).with_context(|| format!("cannot look at {}", blob.display()))?;
        Ok(files::write(path, &sealed::write(record)?)?)
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.memos.join(key.digest.hex())
    }

    fn blob(&self, descriptor: &Descriptor) -> PathBuf {
        self.blobs.join(descriptor.digest.hex())
    }
}

/// True if the memo at `path` is as it was written, under the name of what its layer was made from.
pub fn is_sound(path: &Path) -> io::Result<bool> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let memo = fs::read(path)?;
    let inputs: Option<Inputs> = sealed::read(&memo);
    Ok(inputs.is_some_and(|memo| Digest::of(memo.inputs.as_bytes()).hex() == name))
}

/// The digest of the layer that the memo at `path` remembers; `None` if it remembers none, or cannot be read.
pub fn layer(path: &Path) -> Option<Digest> {
    Some(parse(&fs::read(path).ok()?)?.descriptor.digest)
}

fn parse(memo: &[u8]) -> Option<Record> {
    sealed::read(memo)
}

/// Reads a memo, and any text under its right digest, for fuzzers: what is understood has one form, which is understood alike.
/// True if the bytes are a memo.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz(bytes: &[u8]) -> bool {
    let signed = [Digest::of(bytes).hex().as_bytes(), b"\n", bytes, b"\n"].concat();
    for memo in [bytes, &signed] {
        let Some(record) = parse(memo) else { continue };
        let bytes = sealed::write(&record).expect("a memo is JSON");
        let again = parse(&bytes).expect("its own form");
        assert_eq!(sealed::write(&again).expect("a memo is JSON"), bytes);
    }
    parse(bytes).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci::spec::media_type;

    #[test]
    fn no_flipped_bit_of_a_memo_goes_unseen() {
        let digest = Digest::of(b"layer");
        let descriptor = Descriptor::new(media_type::LAYER_GZIP, digest, 5);
        let times = vec![Written(1_700_000_000, 1)];
        let inputs = "layer 6\nbase".to_owned();
        let sums = attest::Checksums::of([&b"run"[..]]);
        let files = vec![LayerFile { path: "qus/run".to_owned(), sums }];
        let record =
            Record { inputs, descriptor, diff_id: digest, unpacked_size: 1024, files, written: times };
        let memo = sealed::write(&record).unwrap();
        assert!(parse(&memo).is_some());
        for place in 0..memo.len() {
            let mut flipped = memo.clone();
            flipped[place] ^= 1;
            assert!(parse(&flipped).is_none(), "byte {place}");
        }
        assert!(parse(&memo[..memo.len() - 1]).is_none() && parse(b"").is_none());
    }
}
