//! A layer in either form, put together entry by entry: what makes one does not care which.

use std::borrow::Cow;

use anyhow::Context as _;
use oci::{Entry, FrameWriter, Layer, LayerWriter, Member, Piece};
use publish::layout::{BlobWriter, LayoutWriter};

use crate::packing::{Form, Packing};

/// All tar entries carry the same time: a layer's digest changes only with what is in it.
pub(super) const MTIME: u64 = 0;

/// A layer on its way into the layout.
pub(super) enum Writer {
    Gzip(Box<LayerWriter<BlobWriter>>, oci::Level),
    Zstd(Box<FrameWriter<BlobWriter>>),
}

impl Writer {
    pub(super) fn new(packing: Packing, layout: &LayoutWriter) -> anyhow::Result<Writer> {
        let blob = layout.blob_writer()?;
        Ok(match packing.form {
            Form::Gzip => Writer::Gzip(Box::new(LayerWriter::new(blob)), packing.gzip()),
            Form::Zstd => {
                Writer::Zstd(Box::new(FrameWriter::new(blob, packing.frame()).context("cannot set up zstd")?))
            }
        })
    }

    /// A directory or a symbolic link.
    pub(super) fn entry(&mut self, entry: &Entry) -> anyhow::Result<()> {
        match self {
            Writer::Gzip(layer, _) => layer.entry(entry)?,
            Writer::Zstd(layer) => layer.entry(entry)?,
        }
        Ok(())
    }

    /// A program. `member` is what it was compressed into already, if it was.
    pub(super) fn program(
        &mut self,
        path: &str,
        content: &[u8],
        member: Option<&Member>,
    ) -> anyhow::Result<()> {
        self.joined(path, &[(content, member)])
    }

    /// A program whose content is that of `pieces`, one behind the other; all but the last are whole blocks.
    pub(super) fn joined(&mut self, path: &str, pieces: &[(&[u8], Option<&Member>)]) -> anyhow::Result<()> {
        let size: usize = pieces.iter().map(|(content, _)| content.len()).sum();
        let entry = Entry::file(path, size as u64, 0o755, MTIME)?;
        match self {
            Writer::Gzip(layer, level) => {
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
            Writer::Zstd(layer) => match pieces {
                [(content, _)] => layer.file(&entry, content)?,
                pieces => {
                    let contents: Vec<&[u8]> = pieces.iter().map(|(content, _)| *content).collect();
                    layer.file(&entry, &contents.concat())?;
                }
            },
        }
        Ok(())
    }

    pub(super) fn finish(self) -> anyhow::Result<Finished> {
        let (blob, layer) = match self {
            Writer::Gzip(layer, _) => layer.finish()?,
            Writer::Zstd(layer) => layer.finish()?,
        };
        Ok(Finished { blob, layer })
    }
}

/// A layer that is whole, but not in the layout yet.
pub(super) struct Finished {
    blob: BlobWriter,
    layer: Layer,
}

impl Finished {
    pub(super) fn commit(self) -> anyhow::Result<Layer> {
        self.blob.commit(&self.layer.descriptor.media_type)?;
        Ok(self.layer)
    }
}
