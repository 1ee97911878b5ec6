//! A blob on its way into a layout.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use oci::spec::Descriptor;
use sha256::{Digest, HashWriter};

use super::unfinished::Unfinished;
use super::{BLOBS, LayoutError, blob_path};

/// Hashes what is written to it; [`BlobWriter::commit`] puts it under its digest. Dropped, it leaves nothing.
pub struct BlobWriter {
    root: PathBuf,
    out: HashWriter<BufWriter<Unfinished>>,
}

impl BlobWriter {
    pub(super) fn create(root: &Path) -> Result<BlobWriter, LayoutError> {
        let file = Unfinished::create(&root.join(BLOBS))?;
        let out = HashWriter::new(BufWriter::with_capacity(1 << 17, file));
        Ok(BlobWriter { root: root.to_owned(), out })
    }

    /// Puts the blob under its digest, in the place of what may be there.
    pub fn commit(self, media_type: &str) -> Result<Descriptor, LayoutError> {
        let (buffer, digest, size) = self.out.finish();
        put(&self.root, buffer, digest)?;
        Ok(Descriptor::new(media_type, digest, size))
    }

    /// Puts the blob under `expected` if that is its digest; otherwise drops it and gives its digest.
    pub fn commit_as(self, expected: Digest) -> Result<Result<(), Digest>, LayoutError> {
        let (buffer, actual, _) = self.out.finish();
        if actual != expected {
            return Ok(Err(actual));
        }
        put(&self.root, buffer, actual).map(Ok)
    }
}

fn put(root: &Path, buffer: BufWriter<Unfinished>, digest: Digest) -> Result<(), LayoutError> {
    let path = blob_path(root, digest);
    let file = buffer.into_inner().map_err(|error| LayoutError::io("write", &path)(error.into_error()))?;
    // What is there may have been damaged since it got its name; a reader goes on reading it.
    file.rename(&path)
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The error travels through writers that do not know where they write to.
        let root = &self.root;
        self.out.write(bytes).map_err(|error| {
            io::Error::new(error.kind(), LayoutError::io("write to", &root.join(BLOBS))(error))
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
