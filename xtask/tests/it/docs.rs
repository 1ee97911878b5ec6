//! The documentation against the code and against itself: messages, links, and generated parts.

mod comments;
mod errors;
mod findings;
mod links;
mod messages;
mod page;
mod source;

use std::path::PathBuf;

/// The repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}
