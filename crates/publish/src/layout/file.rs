//! Opening files of a layout that somebody else may have put there.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use crate::limits;

/// Opens a regular file, also through a symbolic link. A FIFO would keep its reader waiting for ever, and a device can be
/// read for ever.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Opening does not wait either (open(2), ENXIO and FIFOs); regular files do not know the flag.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("not a regular file")),
    }
}

/// Reads a document that has no descriptor: `index.json`, `oci-layout`.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(limits::DOCUMENT + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limits::DOCUMENT {
        true => Err(io::Error::other(format!("more than {} bytes", limits::DOCUMENT))),
        false => Ok(bytes),
    }
}
