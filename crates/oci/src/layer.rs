//! A layer: a tar in gzip, put together from compressed members.
//!
//! Between the contents of two files, all headers share a member; each content, with its padding, is a member of
//! its own; the end of the archive goes with the last headers. Where members begin depends on the entries alone,
//! so the bytes do too, whatever the number of cores that compressed them or the sizes of writes.

use std::collections::HashSet;
use std::io::{self, Write};

use sha256::{Digest, HashWriter, Hasher};

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
    tar: Tar,
    /// Headers that no member holds yet.
    headers: Vec<u8>,
}

/// The tar inside a layer, as far as it was written: its hash, and what is in it already.
pub(crate) struct Tar {
    hasher: Hasher,
    paths: HashSet<String>,
}

impl Tar {
    pub(crate) fn new() -> Tar {
        Tar { hasher: Hasher::new(), paths: HashSet::new() }
    }

    /// Fails if `entry` may not come next with so many bytes of content.
    pub(crate) fn check(&mut self, entry: &Entry, content: u64) -> Result<(), LayerError> {
        if entry.size() != content {
            let path = entry.path().to_owned();
            return Err(LayerError::Size { path, header: entry.size(), content });
        }
        // Readers disagree on which of two entries with one path counts.
        if !self.paths.insert(entry.path().to_owned()) {
            return Err(LayerError::Twice { path: entry.path().to_owned() });
        }
        Ok(())
    }

    pub(crate) fn hash(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// The diff_id, and the size.
    pub(crate) fn finish(self) -> (Digest, u64) {
        let size = self.hasher.size();
        (self.hasher.finish(), size)
    }
}

/// A piece of a file's content, and what [`Member::content`] has made of it.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// The bytes.
    pub content: &'a [u8],
    /// The same, compressed.
    pub member: &'a Member,
}

impl<W: Write> LayerWriter<W> {
    /// Starts an empty layer.
    pub fn new(out: W) -> LayerWriter<W> {
        LayerWriter { out: HashWriter::new(out), tar: Tar::new(), headers: Vec::new() }
    }

    /// Adds an entry that has no content: a directory, a symbolic link or an empty file.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), LayerError> {
        self.tar.check(entry, 0)?;
        self.headers.extend_from_slice(entry.header());
        Ok(())
    }

    /// Adds a file: its header, its content, and the content compressed by [`Member::content`].
    pub fn file(&mut self, entry: &Entry, content: &[u8], member: &Member) -> Result<(), LayerError> {
        self.file_of(entry, &[Piece { content, member }])
    }

    /// Adds a file that consists of `pieces`, one behind the other. All but the last are whole blocks, so that no padding
    /// comes between them.
    pub fn file_of(&mut self, entry: &Entry, pieces: &[Piece<'_>]) -> Result<(), LayerError> {
        let size: u64 = pieces.iter().map(|piece| piece.content.len() as u64).sum();
        let is_whole = |piece: &Piece<'_>| padding(piece.content.len() as u64).is_empty();
        let inner = pieces.split_last().map_or(pieces, |(_, inner)| inner);
        // A member of something else is no reason to count the path as taken.
        if entry.size() == size
            && !(inner.iter().all(is_whole) && pieces.iter().all(|piece| piece.member.holds(piece.content)))
        {
            return Err(LayerError::Member { path: entry.path().to_owned() });
        }
        self.tar.check(entry, size)?;
        self.headers.extend_from_slice(entry.header());
        self.flush_headers()?;
        for piece in pieces {
            self.tar.hash(piece.content);
            self.out.write_all(piece.member.bytes())?;
        }
        self.tar.hash(padding(size));
        Ok(())
    }

    /// Ends the archive; gives the writer back, not flushed, with what was written to it.
    pub fn finish(mut self) -> Result<(W, Layer), LayerError> {
        self.headers.extend_from_slice(&END_OF_ARCHIVE);
        self.flush_headers()?;
        let (out, digest, size) = self.out.finish();
        let (diff_id, unpacked_size) = self.tar.finish();
        let descriptor = Descriptor::new(media_type::LAYER_GZIP, digest, size);
        Ok((out, Layer { descriptor, diff_id, unpacked_size }))
    }

    fn flush_headers(&mut self) -> io::Result<()> {
        self.tar.hash(&self.headers);
        let member = Member::compress(&self.headers, Level::BEST);
        self.headers.clear();
        self.out.write_all(member.bytes())
    }
}

/// The reason why an entry was not added to a layer.
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
