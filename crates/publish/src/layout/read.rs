//! Reading a layout.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use oci::spec::{Descriptor, Index, Manifest, media_type};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha256::{Digest, VerifyReader};

use super::{INDEX, LayoutError, MARKER, blob_path, file};
use crate::limits::{self, Budget, Exhausted};

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
        let text =
            |name: &str| file::read(&path.join(name)).map_err(|error| wrong(format!("{name}: {error}")));
        let marker: Marker =
            serde_json::from_slice(&text(MARKER)?).map_err(|error| wrong(format!("{MARKER}: {error}")))?;
        if marker.image_layout_version != "1.0.0" {
            let version = marker.image_layout_version;
            return Err(wrong(format!("{MARKER}: its version is `{version}`, not `1.0.0`")));
        }
        let index = oci::spec::parse(media_type::INDEX, &text(INDEX)?)
            .map_err(|error| wrong(format!("{INDEX}: {error}")))?;
        Ok(Layout { root: path.to_owned(), index })
    }

    /// The layout's directory.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Every tag with what it points to, as `index.json` lists them.
    pub fn refs(&self) -> Vec<(String, Descriptor)> {
        let named = |root: &Descriptor| root.tag().map(|tag| (tag.to_owned(), root.clone()));
        self.index.manifests.iter().filter_map(named).collect()
    }

    /// Every descriptor in `index.json`, tagged or not.
    pub fn roots(&self) -> &[Descriptor] {
        &self.index.manifests
    }

    /// The path of a blob, which need not be there.
    pub fn blob_path(&self, digest: Digest) -> PathBuf {
        blob_path(&self.root, digest)
    }

    /// Opens a blob. It is read to its end only if it has the size and the digest that `descriptor` says.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<VerifyReader<File>, LayoutError> {
        let path = self.blob_path(descriptor.digest);
        let file = file::open(&path).map_err(LayoutError::io("open", &path))?;
        Ok(VerifyReader::new(file, descriptor.size, descriptor.digest))
    }

    /// Reads a document, verified.
    pub fn read(&self, descriptor: &Descriptor) -> Result<Vec<u8>, LayoutError> {
        let path = self.blob_path(descriptor.digest);
        if descriptor.size > limits::DOCUMENT {
            let media_type = descriptor.media_type.clone();
            return Err(LayoutError::TooLarge { path, media_type, size: descriptor.size });
        }
        let mut bytes = Vec::new();
        self.blob(descriptor)?.read_to_end(&mut bytes).map_err(LayoutError::io("read", &path))?;
        Ok(bytes)
    }

    /// Reads and parses a document, verified.
    pub fn json<T: DeserializeOwned>(&self, descriptor: &Descriptor) -> Result<T, LayoutError> {
        oci::spec::parse(&descriptor.media_type, &self.read(descriptor)?).map_err(|source| {
            LayoutError::Json {
                path: self.blob_path(descriptor.digest),
                media_type: descriptor.media_type.clone(),
                source,
            }
        })
    }

    /// `roots` and everything under them, each once, what is pointed to before what points to it: the order in which to
    /// copy.
    pub fn closure<'a>(
        &self,
        roots: impl IntoIterator<Item = &'a Descriptor>,
    ) -> Result<Vec<Descriptor>, LayoutError> {
        let (mut seen, mut found, mut budget) = (HashSet::new(), Vec::new(), Budget::new());
        // Not a recursion: how deep it goes is in the hands of the layout's writer.
        let mut way: Vec<(Descriptor, std::vec::IntoIter<Descriptor>)> = Vec::new();
        for root in roots {
            let mut next = Some(root.clone());
            loop {
                if let Some(descriptor) = next.take() {
                    budget.follow().map_err(|limit| self.too_much(limit))?;
                    if seen.insert(descriptor.digest) {
                        let children = self.children(&descriptor, way.len(), &mut budget)?;
                        way.push((descriptor, children.into_iter()));
                    }
                }
                let Some((_, children)) = way.last_mut() else { break };
                next = children.next();
                if next.is_none() {
                    found.extend(way.pop().map(|(descriptor, _)| descriptor));
                }
            }
        }
        Ok(found)
    }

    /// The blobs that a document `above` others points to; a blob that is no document points to none.
    fn children(
        &self,
        descriptor: &Descriptor,
        above: usize,
        budget: &mut Budget,
    ) -> Result<Vec<Descriptor>, LayoutError> {
        let media_type = descriptor.media_type.as_str();
        if !matches!(media_type, media_type::INDEX | media_type::MANIFEST) {
            return Ok(Vec::new());
        }
        if above == limits::DEPTH {
            return Err(LayoutError::TooDeep { path: self.blob_path(descriptor.digest) });
        }
        budget.read(descriptor.size).map_err(|limit| self.too_much(limit))?;
        if media_type == media_type::INDEX {
            return Ok(self.json::<Index>(descriptor)?.manifests);
        }
        let manifest: Manifest = self.json(descriptor)?;
        Ok(manifest.layers.into_iter().chain([manifest.config]).collect())
    }

    fn too_much(&self, limit: Exhausted) -> LayoutError {
        LayoutError::TooMuch { path: self.root.clone(), limit }
    }
}
