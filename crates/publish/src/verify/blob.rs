//! Reading the blobs of a layout to prove them.

use std::fs::File;
use std::io::{self, Read as _};

use oci::spec::Descriptor;
use sha256::{Digest, VerifyReader};

use crate::layout::{self, Layout};
use crate::limits;

/// Opens a blob. It is read to its end only if it has this size and digest.
pub(super) fn open(layout: &Layout, digest: Digest, size: u64) -> io::Result<VerifyReader<File>> {
    Ok(VerifyReader::new(layout::open(&layout.blob_path(digest))?, size, digest))
}

/// Reads a blob for its size and digest alone.
pub(super) fn drain(layout: &Layout, digest: Digest, size: u64) -> io::Result<()> {
    io::copy(&mut open(layout, digest, size)?, &mut io::sink()).map(drop)
}

/// Reads a document, verified.
pub(super) fn document(layout: &Layout, descriptor: &Descriptor) -> io::Result<Vec<u8>> {
    if descriptor.size > limits::DOCUMENT {
        return Err(io::Error::other(format!("{} bytes are too many for a document", descriptor.size)));
    }
    let mut bytes = Vec::new();
    open(layout, descriptor.digest, descriptor.size)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The system's "No such file or directory (os error 2)" is this layout's "missing".
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "missing".to_owned(),
        _ => error.to_string(),
    }
}
