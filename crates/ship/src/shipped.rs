//! The tags that have left, with their digests.

use std::path::Path;

use files::Draft;
use publish::registry::Repository;
use serde::Serialize;
use sha256::Digest;

/// A tag at the registry, and what it points to.
#[derive(Debug, Clone, Serialize)]
pub struct Shipped {
    /// `docker.io/aptman/qus:latest`
    pub reference: String,
    /// The digest, with its algorithm.
    pub digest: String,
    /// True if it pointed elsewhere before.
    pub moved: bool,
}

impl Shipped {
    /// The tag `tag` of `repository`.
    pub fn new(repository: &Repository, tag: &str, digest: Digest, moved: bool) -> Shipped {
        Shipped { reference: format!("{repository}:{tag}"), digest: digest.to_string(), moved }
    }
}

/// A file of tags with their digests, for others to compare with: one line for each tag, `sha256:… docker.io/aptman/qus:latest`. Begun before the push,
/// after which nothing should stand in its way.
#[derive(Default)]
pub struct Digests(Option<Draft>);

impl Digests {
    /// Begins `file`, if there is to be one.
    pub fn begin(file: Option<&Path>) -> anyhow::Result<Digests> {
        Ok(Digests(file.map(Draft::create).transpose()?))
    }

    /// Writes what was built or pushed.
    pub fn write(self, shipped: &[Shipped]) -> anyhow::Result<()> {
        let Some(draft) = self.0 else { return Ok(()) };
        let line = |tag: &Shipped| format!("{} {}\n", tag.digest, tag.reference);
        Ok(draft.finish_with(shipped.iter().map(line).collect::<String>().as_bytes())?)
    }
}
