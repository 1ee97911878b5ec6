//! A blob on its way into a layout.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use digest::HashWriter;
use oci::spec::Descriptor;

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

    /// Puts the blob under its digest. A blob that is there already stays as it is.
    pub fn commit(self, media_type: &str) -> Result<Descriptor, LayoutError> {
        let (buffer, digest, size) = self.out.finish();
        let path = blob_path(&self.root, digest);
        let file =
            buffer.into_inner().map_err(|error| LayoutError::io("write", &path)(error.into_error()))?;
        if !has_size(&path, size) {
            file.rename(&path)?;
        }
        Ok(Descriptor::new(media_type, digest, size))
    }
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

pub(super) fn has_size(path: &Path, size: u64) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file() && found.len() == size)
}
