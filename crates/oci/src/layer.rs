//! A layer: a tar in gzip, put together from compressed members.
//!
//! Between the contents of two files, all headers share a member; each content, with its padding, is a member of
//! its own; the end of the archive goes with the last headers. Where members begin depends on the entries alone,
//! so the bytes do too, whatever the number of cores that compressed them or the sizes of writes.

use std::collections::HashSet;
use std::io::{self, Write};

use digest::{Digest, HashWriter, Hasher};

use crate::entry::{END_OF_ARCHIVE, Entry, padding};
use crate::member::{Level, Member};
use crate::spec::{Descriptor, media_type};

/// A layer that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Points to the compressed bytes.
    pub descriptor: Descriptor,
    /// The digest of the tar, uncompressed.
    pub diff_id: Digest,
    /// The size of the tar, uncompressed.
    pub unpacked_size: u64,
}

/// Writes a layer's compressed bytes to `W` while hashing them and the tar that they hold. Keeps no content.
pub struct LayerWriter<W> {
    out: HashWriter<W>,
    unpacked: Hasher,
    /// Headers that no member holds yet.
    headers: Vec<u8>,
    paths: HashSet<String>,
}

impl<W: Write> LayerWriter<W> {
    /// Starts an empty layer.
    pub fn new(out: W) -> LayerWriter<W> {
        LayerWriter {
            out: HashWriter::new(out),
            unpacked: Hasher::new(),
            headers: Vec::new(),
            paths: HashSet::new(),
        }
    }

    /// Adds an entry that has no content: a directory, a symbolic link or an empty file.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), LayerError> {
        if entry.size() != 0 {
            return Err(LayerError::Size { path: entry.path().to_owned(), header: entry.size(), content: 0 });
        }
        self.header(entry)
    }

    /// Adds a file: its header, its content, and the content compressed by [`Member::content`].
    pub fn file(&mut self, entry: &Entry, content: &[u8], member: &Member) -> Result<(), LayerError> {
        let size = content.len() as u64;
        if entry.size() != size {
            let path = entry.path().to_owned();
            return Err(LayerError::Size { path, header: entry.size(), content: size });
        }
        if !member.holds(content) {
            return Err(LayerError::Member { path: entry.path().to_owned() });
        }
        self.header(entry)?;
        self.flush_headers()?;
        self.unpacked.update(content);
        self.unpacked.update(padding(size));
        self.out.write_all(member.bytes())?;
        Ok(())
    }

    /// Ends the archive; gives the writer back, not flushed, with what was written to it.
    pub fn finish(mut self) -> Result<(W, Layer), LayerError> {
        self.headers.extend_from_slice(&END_OF_ARCHIVE);
        self.flush_headers()?;
        let (out, digest, size) = self.out.finish();
        let unpacked_size = self.unpacked.size();
        let diff_id = self.unpacked.finish();
        let descriptor = Descriptor::new(media_type::LAYER_GZIP, digest, size);
        Ok((out, Layer { descriptor, diff_id, unpacked_size }))
    }

    fn header(&mut self, entry: &Entry) -> Result<(), LayerError> {
        // Readers disagree on which of two entries with one path counts.
        if !self.paths.insert(entry.path().to_owned()) {
            return Err(LayerError::Twice { path: entry.path().to_owned() });
        }
        self.headers.extend_from_slice(entry.header());
        Ok(())
    }

    fn flush_headers(&mut self) -> io::Result<()> {
        self.unpacked.update(&self.headers);
        let member = Member::compress(&self.headers, Level::BEST);
        self.headers.clear();
        self.out.write_all(member.bytes())
    }
}

/// Why an entry was not added to a layer.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The header says another size than the content has.
    #[error("cannot add `{path}` to a layer: its header says {header} bytes, its content has {content}")]
    Size {
        /// The entry's path.
        path: String,
        /// The header's size.
        header: u64,
        /// The content's size.
        content: u64,
    },
    /// The compressed member was made from something else.
    #[error("cannot add `{path}` to a layer: its compressed form holds another content")]
    Member {
        /// The entry's path.
        path: String,
    },
    /// The path is in the layer already.
    #[error("cannot add `{path}` to a layer: it is there already")]
    Twice {
        /// The entry's path.
        path: String,
    },
    /// The writer failed.
    #[error("cannot write a layer: {0}")]
    Io(#[from] io::Error),
}
