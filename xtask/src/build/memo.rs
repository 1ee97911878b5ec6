//! Which layers were made from what: so that a layer is made once, and never again while its inputs are the same.
//!
//! A memo is a small file named by the digest of everything that the layer's bytes depend on. Beside the memos the cache
//! has the layers themselves, under their digests: hard links to the layout's blobs, which take no room while the layout
//! has them, and bring them back when it does not any more. (There are none where the cache and the layout are on
//! different file systems.) What has changed since it was made is not used: the layer is made again.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use debian::cache::touch;
use digest::Digest;
use oci::Layer;
use oci::spec::Descriptor;
use publish::layout::LayoutWriter;
use serde::{Deserialize, Serialize};

/// Raised with every change to what is put into layers or to how `oci` writes them; its golden digests tell.
const FORMAT: u32 = 3;

/// The digest of everything that a layer depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(Digest);

impl Key {
    /// `parts` say what the layer is and name its inputs.
    pub(crate) fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Key {
        let mut text = format!("layer {FORMAT}");
        for part in parts {
            text.push('\n');
            text.push_str(part);
        }
        Key(Digest::of(text.as_bytes()))
    }
}

/// The folders of memos and of the layers that they remember.
pub(crate) struct Memo {
    memos: PathBuf,
    blobs: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Record {
    descriptor: Descriptor,
    diff_id: Digest,
    unpacked_size: u64,
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
    pub(crate) fn get(&self, key: Key, layout: &LayoutWriter) -> anyhow::Result<Option<Layer>> {
        let path = self.path(key);
        let Some(Record { descriptor, diff_id, unpacked_size }) =
            fs::read(&path).ok().as_deref().and_then(parse)
        else {
            return Ok(None);
        };
        let blob = self.blob(&descriptor);
        if !layout.contains(&descriptor) && !layout.adopt(&blob, &descriptor)? {
            // Gone, or damaged: the next one takes its place.
            remove(&blob).with_context(|| format!("cannot remove {}", blob.display()))?;
            return Ok(None);
        }
        touch(&path);
        touch(&blob);
        Ok(Some(Layer { descriptor, diff_id, unpacked_size }))
    }

    /// Remembers that `layer`, which is in the layout, was made from `key`.
    pub(crate) fn put(&self, key: Key, layer: &Layer, layout: &LayoutWriter) -> anyhow::Result<()> {
        let path = self.path(key);
        let cannot_write = || format!("cannot write {}", path.display());
        let Layer { descriptor, diff_id, unpacked_size } = layer.clone();
        // Where a hard link is not possible, the layer is in the layout alone.
        drop(fs::hard_link(layout.blob_path(descriptor.digest), self.blob(&descriptor)));
        let record = write(&Record { descriptor, diff_id, unpacked_size })?;
        let mut file = tempfile::NamedTempFile::new_in(&self.memos).with_context(cannot_write)?;
        file.write_all(&record).with_context(cannot_write)?;
        file.persist(&path).with_context(cannot_write)?;
        Ok(())
    }

    fn path(&self, key: Key) -> PathBuf {
        self.memos.join(key.0.hex())
    }

    fn blob(&self, descriptor: &Descriptor) -> PathBuf {
        self.blobs.join(descriptor.digest.hex())
    }
}

/// Whether the memo at `path` is as it was written.
pub(crate) fn is_sound(path: &Path) -> io::Result<bool> {
    Ok(parse(&fs::read(path)?).is_some())
}

/// A memo is the digest of its text, and its text.
fn write(record: &Record) -> serde_json::Result<Vec<u8>> {
    let text = serde_json::to_string(record)?;
    Ok(format!("{}\n{text}\n", Digest::of(text.as_bytes()).hex()).into_bytes())
}

fn parse(memo: &[u8]) -> Option<Record> {
    let (digest, text) = std::str::from_utf8(memo).ok()?.strip_suffix('\n')?.split_once('\n')?;
    (Digest::of(text.as_bytes()).hex() == digest).then(|| serde_json::from_str(text).ok()).flatten()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci::spec::media_type;

    #[test]
    fn no_flipped_bit_of_a_memo_goes_unseen() {
        let digest = Digest::of(b"layer");
        let descriptor = Descriptor::new(media_type::LAYER_GZIP, digest, 5);
        let memo = write(&Record { descriptor, diff_id: digest, unpacked_size: 1024 }).unwrap();
        assert!(parse(&memo).is_some());
        for place in 0..memo.len() {
            let mut flipped = memo.clone();
            flipped[place] ^= 1;
            assert!(parse(&flipped).is_none(), "byte {place}");
        }
        assert!(parse(&memo[..memo.len() - 1]).is_none() && parse(b"").is_none());
    }
}
