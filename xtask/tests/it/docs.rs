//! The documentation against the code and against itself: messages, links, and generated parts.

mod comments;
mod findings;
mod links;
mod messages;
pub(crate) mod page;
pub(crate) mod source;

use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every file below `folder` with this extension, sorted; what cargo makes aside.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(self::files(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            files.push(path);
        }
    }
    files.sort();
    files
}
