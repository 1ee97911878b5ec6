//! One tar of a layout's images, for `docker load` of any version and for podman.
//!
//! It is a layout with a second table of contents: engines with containerd's store, and podman, read `index.json`
//! and take every platform; Docker's classic store reads `manifest.json` and takes one. Streamed; the same images
//! give the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use base::Hint;
use oci::spec::{Descriptor, Index, Manifest, Platform, media_type};
use oci::{Blob, Entry, entry};
use serde::Serialize;
use sha256::Digest;

use crate::layout::{BLOBS, INDEX, Layout, LayoutError, MARKER, MARKER_TEXT, blob_name};

/// An image or an index, and its name in an engine.
#[derive(Debug, Clone)]
pub struct Named {
    /// The repository: `docker.io/aptman/qus`.
    pub repository: String,
    /// The tag: `latest`.
    pub tag: String,
    /// The descriptor that it points to.
    pub descriptor: Descriptor,
}

/// One row of `manifest.json` (Docker's image-spec v1.2, "Combined Image JSON + Filesystem Changeset Format").
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// Writes `images` and everything under them to `out`. `classic` is the platform that `manifest.json` lists; an
/// image without it is not in that list. Does not flush.
pub fn write(
    layout: &Layout,
    images: &[Named],
    classic: &Platform,
    out: &mut dyn Write,
) -> Result<(), ArchiveError> {
    let mut images: Vec<&Named> = images.iter().collect();
    images.sort_by(|a, b| (&a.repository, &a.tag).cmp(&(&b.repository, &b.tag)));

    let blobs = layout.closure(images.iter().map(|image| &image.descriptor))?;
    let blobs: BTreeMap<Digest, Descriptor> = blobs.into_iter().map(|blob| (blob.digest, blob)).collect();
    let manifest = Blob::json("application/json", &rows(layout, &images, classic)?);
    document(out, MARKER, MARKER_TEXT.as_bytes())?;
    document(out, INDEX, index(&images).bytes())?;
    document(out, "manifest.json", manifest.bytes())?;
    for path in ["blobs", BLOBS] {
        out.write_all(header(Entry::directory(path, 0o755, 0)).header())?;
    }
    for descriptor in blobs.values() {
        copy(layout, descriptor, out)?;
    }
    out.write_all(&entry::END_OF_ARCHIVE)?;
    Ok(())
}

fn index(images: &[&Named]) -> Blob {
    let named = |image: &&Named| image.descriptor.clone().named(&image.repository, &image.tag);
    Blob::json(media_type::INDEX, &Index::new(images.iter().map(named).collect()))
}

/// Images that several names share take one row, in the order of their first names. Old classic stores read no zstd, and
/// one image that they cannot read is the end of the whole load: images in zstd are listed only if there are no others.
fn rows(layout: &Layout, images: &[&Named], classic: &Platform) -> Result<Vec<Row>, ArchiveError> {
    let mut rows: Vec<Row> = Vec::new();
    let mut row_of: BTreeMap<Digest, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for image in images {
        if let Some(descriptor) = for_platform(layout, &image.descriptor, classic)? {
            let manifest: Manifest = layout.json(&descriptor)?;
            found.push((image, descriptor, manifest));
        }
    }
    let only_zstd = found.iter().all(|(_, _, manifest)| manifest.is_zstd());
    found.retain(|(_, _, manifest)| only_zstd || !manifest.is_zstd());
    for (image, descriptor, manifest) in found {
        let name = format!("{}:{}", image.repository, image.tag);
        if let Some(row) = row_of.get(&descriptor.digest) {
            rows[*row].repo_tags.push(name);
            continue;
        }
        row_of.insert(descriptor.digest, rows.len());
        rows.push(Row {
            config: blob_name(manifest.config.digest),
            repo_tags: vec![name],
            layers: manifest.layers.iter().map(|layer| blob_name(layer.digest)).collect(),
        });
    }
    Ok(rows)
}

/// The digest of the config that an engine with a classic store knows an image by; `None` if there is no image for
/// the platform.
#[cfg(feature = "engine")]
pub(crate) fn config_of(
    layout: &Layout,
    descriptor: &Descriptor,
    classic: &Platform,
) -> Result<Option<Digest>, LayoutError> {
    let Some(image) = for_platform(layout, descriptor, classic)? else { return Ok(None) };
    Ok(Some(layout.json::<Manifest>(&image)?.config.digest))
}

fn for_platform(
    layout: &Layout,
    descriptor: &Descriptor,
    classic: &Platform,
) -> Result<Option<Descriptor>, LayoutError> {
    if descriptor.media_type != media_type::INDEX {
        return Ok(Some(descriptor.clone()));
    }
    let index: Index = layout.json(descriptor)?;
    Ok(index.manifests.into_iter().find(|image| image.platform.as_ref() == Some(classic)))
}

fn document(out: &mut dyn Write, path: &str, bytes: &[u8]) -> io::Result<()> {
    let size = bytes.len() as u64;
    out.write_all(header(Entry::file(path, size, 0o644, 0)).header())?;
    out.write_all(bytes)?;
    out.write_all(entry::padding(size))
}

fn copy(layout: &Layout, descriptor: &Descriptor, out: &mut dyn Write) -> Result<(), ArchiveError> {
    let path = blob_name(descriptor.digest);
    let mut blob = layout.blob(descriptor)?;
    let entry = Entry::file(&path, descriptor.size, 0o644, 0)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    out.write_all(entry.header())?;
    let mut buffer = vec![0; 1 << 17];
    loop {
        // Two kinds of failure that must not be taken for each other: the layout's, and the archive's.
        let n = io::Read::read(&mut blob, &mut buffer)
            .map_err(LayoutError::io("read", &layout.blob_path(descriptor.digest)))?;
        if n == 0 {
            break;
        }
        out.write_all(&buffer[..n])?;
    }
    out.write_all(entry::padding(descriptor.size))?;
    Ok(())
}

fn header(entry: Result<Entry, entry::EntryError>) -> Entry {
    entry.expect("the names in a layout are short and plain")
}

/// The reason why an archive could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The layout could not be read.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The archive could not be written.
    #[error("cannot write the archive: {0}")]
    Io(#[from] io::Error),
}

impl Hint for ArchiveError {
    fn hint(&self) -> Option<String> {
        match self {
            ArchiveError::Layout(error) => error.hint(),
            ArchiveError::Io(_) => None,
        }
    }
}
