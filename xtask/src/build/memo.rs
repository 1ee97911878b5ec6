//! Which layers were made from what: so that a layer is made once, and never again while its inputs are the same.
//!
//! A memo is a small file named by the digest of everything that the layer's bytes depend on. It counts only while
//! the layout still has the layer's blob.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use digest::Digest;
use oci::Layer;
use oci::spec::Descriptor;
use publish::layout::LayoutWriter;
use serde::{Deserialize, Serialize};

/// Raised with every change to what is put into layers or to how `oci` writes them; its golden digests tell.
const FORMAT: u32 = 2;

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

/// The folder of memos.
pub(crate) struct Memo {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Record {
    descriptor: Descriptor,
    diff_id: Digest,
    unpacked_size: u64,
}

impl Memo {
    pub(crate) fn open(cache: &Path) -> anyhow::Result<Memo> {
        let folder = cache.join("layers");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Memo { folder })
    }

    /// The layer made from `key`, if the layout still holds it.
    pub(crate) fn get(&self, key: Key, layout: &LayoutWriter) -> Option<Layer> {
        let bytes = fs::read(self.path(key)).ok()?;
        let Record { descriptor, diff_id, unpacked_size } = serde_json::from_slice(&bytes).ok()?;
        layout.contains(&descriptor).then_some(Layer { descriptor, diff_id, unpacked_size })
    }

    /// Remembers that `layer` was made from `key`.
    pub(crate) fn put(&self, key: Key, layer: &Layer) -> anyhow::Result<()> {
        let path = self.path(key);
        let cannot_write = || format!("cannot write {}", path.display());
        let Layer { descriptor, diff_id, unpacked_size } = layer.clone();
        let record = serde_json::to_vec(&Record { descriptor, diff_id, unpacked_size })?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).with_context(cannot_write)?;
        file.write_all(&record).with_context(cannot_write)?;
        file.persist(&path).with_context(cannot_write)?;
        Ok(())
    }

    fn path(&self, key: Key) -> PathBuf {
        self.folder.join(key.0.hex())
    }
}
