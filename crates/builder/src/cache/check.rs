//! Is what the cache holds what it says it is? Everything that has a digest is hashed.

use std::fs::File;
use std::io;
use std::path::Path;

use sha256::HashWriter;

use super::entries::{self, Entry, Folder};
use crate::build::memo;
use crate::cross;

/// The state of an entry, whole or not; `None` if nothing says what it should be.
pub(super) fn is_sound(entry: &Entry) -> io::Result<Option<bool>> {
    match entry.folder {
        Folder::Downloads | Folder::Blobs => is_named_by_digest(&entry.path).map(Some),
        Folder::Memos => memo::is_sound(&entry.path).map(Some),
        Folder::Register => cross::is_sound(&entry.path).map(Some),
        // The testbed checks while it unpacks, a download when it is complete.
        Folder::Testbed | Folder::Partial => Ok(None),
    }
}

fn is_named_by_digest(path: &Path) -> io::Result<bool> {
    let mut hash = HashWriter::new(io::sink());
    io::copy(&mut File::open(path)?, &mut hash)?;
    let (_, digest, _) = hash.finish();
    Ok(entries::digest(path) == Some(digest))
}
