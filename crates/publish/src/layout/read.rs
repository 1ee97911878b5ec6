//! Reading a layout.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use digest::{Digest, VerifyReader};
use oci::spec::{Descriptor, Index, Manifest, annotation, media_type};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{INDEX, LayoutError, MARKER, blob_path};

/// The most that a document may have: what registries accept for a manifest (4 MiB at most of them).
const DOCUMENT_LIMIT: u64 = 4 << 20;

/// A layout to read from. What it gives out is verified while it is read.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
    index: Index,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

impl Layout {
    /// Reads `oci-layout` and `index.json`.
    pub fn open(path: &Path) -> Result<Layout, LayoutError> {
        let wrong = |reason| LayoutError::NotALayout { path: path.to_owned(), reason };
        let text = |name: &str| fs::read(path.join(name)).map_err(|error| wrong(format!("{name}: {error}")));
        let marker: Marker =
            serde_json::from_slice(&text(MARKER)?).map_err(|error| wrong(format!("{MARKER}: {error}")))?;
        if marker.image_layout_version != "1.0.0" {
            let version = marker.image_layout_version;
            return Err(wrong(format!("{MARKER}: its version is `{version}`, not `1.0.0`")));
        }
        let index =
            serde_json::from_slice(&text(INDEX)?).map_err(|error| wrong(format!("{INDEX}: {error}")))?;
        Ok(Layout { root: path.to_owned(), index })
    }

    /// The layout's directory.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Every tag with what it points to, as `index.json` lists them.
    pub fn refs(&self) -> Vec<(String, Descriptor)> {
        let named = |descriptor: &Descriptor| {
            descriptor.annotations.get(annotation::REF_NAME).map(|tag| (tag.clone(), descriptor.clone()))
        };
        self.index.manifests.iter().filter_map(named).collect()
    }

    /// Every descriptor in `index.json`, tagged or not.
    pub fn roots(&self) -> &[Descriptor] {
        &self.index.manifests
    }

    /// Where a blob is, or would be.
    pub fn blob_path(&self, digest: Digest) -> PathBuf {
        blob_path(&self.root, digest)
    }

    /// Opens a blob. It is read to its end only if it has the size and the digest that `descriptor` says.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<VerifyReader<File>, LayoutError> {
        let path = self.blob_path(descriptor.digest);
        let file = File::open(&path).map_err(LayoutError::io("open", &path))?;
        Ok(VerifyReader::new(file, descriptor.size, descriptor.digest))
    }

    /// Reads a document, verified.
    pub fn read(&self, descriptor: &Descriptor) -> Result<Vec<u8>, LayoutError> {
        let path = self.blob_path(descriptor.digest);
        if descriptor.size > DOCUMENT_LIMIT {
            let media_type = descriptor.media_type.clone();
            return Err(LayoutError::TooLarge { path, media_type, size: descriptor.size });
        }
        let mut bytes = Vec::new();
        self.blob(descriptor)?.read_to_end(&mut bytes).map_err(LayoutError::io("read", &path))?;
        Ok(bytes)
    }

    /// Reads and parses a document, verified.
    pub fn json<T: DeserializeOwned>(&self, descriptor: &Descriptor) -> Result<T, LayoutError> {
        serde_json::from_slice(&self.read(descriptor)?).map_err(|source| LayoutError::Json {
            path: self.blob_path(descriptor.digest),
            media_type: descriptor.media_type.clone(),
            source,
        })
    }

    /// `root` and everything under it, each once, what is pointed to before what points to it: the order in which
    /// to copy.
    pub fn closure(&self, root: &Descriptor) -> Result<Vec<Descriptor>, LayoutError> {
        let mut found = Vec::new();
        self.walk(root, &mut HashSet::new(), &mut found)?;
        Ok(found)
    }

    fn walk(
        &self,
        descriptor: &Descriptor,
        seen: &mut HashSet<Digest>,
        found: &mut Vec<Descriptor>,
    ) -> Result<(), LayoutError> {
        if !seen.insert(descriptor.digest) {
            return Ok(());
        }
        let children = match descriptor.media_type.as_str() {
            media_type::INDEX => self.json::<Index>(descriptor)?.manifests,
            media_type::MANIFEST => {
                let manifest: Manifest = self.json(descriptor)?;
                manifest.layers.into_iter().chain([manifest.config]).collect()
            }
            _ => Vec::new(),
        };
        for child in &children {
            self.walk(child, seen, found)?;
        }
        found.push(descriptor.clone());
        Ok(())
    }
}
