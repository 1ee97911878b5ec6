//! A layer in either form, put together entry by entry: what makes one does not care which.

use std::borrow::Cow;

use anyhow::Context as _;
use attest::Checksums;
use oci::{Entry, FrameWriter, Layer, LayerWriter, Member, Piece};
use publish::layout::{BlobWriter, LayoutWriter};
use serde::{Deserialize, Serialize};

use crate::packing::{Form, Packing};

/// All tar entries carry the same time: a layer's digest changes only with what is in it.
pub(super) const MTIME: u64 = 0;

/// The mode of a program.
const PROGRAM: u32 = 0o755;

/// A layer that was made, and what is in it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) layer: Layer,
    /// Its regular files, in its order.
    pub(crate) files: Vec<LayerFile>,
}

/// A regular file in a layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LayerFile {
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) sums: Checksums,
}

/// A layer on its way into the layout.
pub(super) struct Writer {
    stream: Stream,
    files: Vec<LayerFile>,
}

enum Stream {
    Gzip(Box<LayerWriter<BlobWriter>>, oci::Level),
    Zstd(Box<FrameWriter<BlobWriter>>),
}

impl Writer {
    pub(super) fn new(packing: Packing, layout: &LayoutWriter) -> anyhow::Result<Writer> {
        let blob = layout.blob_writer()?;
        let stream = match packing.form {
            Form::Gzip => Stream::Gzip(Box::new(LayerWriter::new(blob)), packing.gzip()),
            Form::Zstd => {
                Stream::Zstd(Box::new(FrameWriter::new(blob, packing.frame()).context("cannot set up zstd")?))
            }
        };
        Ok(Writer { stream, files: Vec::new() })
    }

    /// A directory or a symbolic link.
    pub(super) fn entry(&mut self, entry: &Entry) -> anyhow::Result<()> {
        match &mut self.stream {
            Stream::Gzip(layer, _) => layer.entry(entry)?,
            Stream::Zstd(layer) => layer.entry(entry)?,
        }
        Ok(())
    }

    /// A program with these checksums. `member` is what it was compressed into already, if it was.
    pub(super) fn program(
        &mut self,
        path: &str,
        content: &[u8],
        sums: Checksums,
        member: Option<&Member>,
    ) -> anyhow::Result<()> {
        self.write(path, PROGRAM, &[(content, member)], sums)
    }

    /// A program whose content is that of `pieces`, one behind the other; all but the last are whole blocks.
    pub(super) fn joined(&mut self, path: &str, pieces: &[(&[u8], Option<&Member>)]) -> anyhow::Result<()> {
        let sums = Checksums::of(pieces.iter().map(|(content, _)| *content));
        self.write(path, PROGRAM, pieces, sums)
    }

    /// A text.
    pub(super) fn text(&mut self, path: &str, content: &str) -> anyhow::Result<()> {
        let content = content.as_bytes();
        self.write(path, 0o644, &[(content, None)], Checksums::of([content]))
    }

    fn write(
        &mut self,
        path: &str,
        mode: u32,
        pieces: &[(&[u8], Option<&Member>)],
        sums: Checksums,
    ) -> anyhow::Result<()> {
        let size: usize = pieces.iter().map(|(content, _)| content.len()).sum();
        let entry = Entry::file(path, size as u64, mode, MTIME)?;
        match &mut self.stream {
            Stream::Gzip(layer, level) => {
                let compressed: Vec<Cow<'_, Member>> = pieces
                    .iter()
                    .map(|(content, member)| match member {
                        Some(member) => Cow::Borrowed(*member),
                        None => Cow::Owned(Member::content(content, *level)),
                    })
                    .collect();
                let pieces: Vec<Piece<'_>> = pieces
                    .iter()
                    .zip(&compressed)
                    .map(|((content, _), member)| Piece { content, member })
                    .collect();
                layer.file_of(&entry, &pieces)?;
            }
            Stream::Zstd(layer) => match pieces {
                [(content, _)] => layer.file(&entry, content)?,
                pieces => {
                    let contents: Vec<&[u8]> = pieces.iter().map(|(content, _)| *content).collect();
                    layer.file(&entry, &contents.concat())?;
                }
            },
        }
        self.files.push(LayerFile { path: path.to_owned(), sums });
        Ok(())
    }

    pub(super) fn finish(self) -> anyhow::Result<Finished> {
        let (blob, layer) = match self.stream {
            Stream::Gzip(layer, _) => layer.finish()?,
            Stream::Zstd(layer) => layer.finish()?,
        };
        Ok(Finished { blob, made: Made { layer, files: self.files } })
    }
}

/// A layer that is whole, but not in the layout yet.
pub(super) struct Finished {
    blob: BlobWriter,
    made: Made,
}

impl Finished {
    pub(super) fn commit(self) -> anyhow::Result<Made> {
        self.blob.commit(&self.made.layer.descriptor.media_type)?;
        Ok(self.made)
    }
}
