//! The place of a build.

use std::path::PathBuf;

use debian::fetch::Fetcher;
use debian::mirror::Mirror;
use debian::progress::Progress;

/// The source of packages, and the place of results.
pub struct Site {
    /// The repository's root, with the sources of `register`.
    pub workspace: PathBuf,
    /// The cache directory.
    pub cache_dir: PathBuf,
    /// Fetches into the cache.
    pub fetch: Fetcher,
    /// The mirror that packages come from.
    pub mirror: Mirror,
    /// Forbids the network.
    pub offline: bool,
}

/// The question whether long work may begin: an error says why it may not.
pub type Leave<'a> = dyn Fn() -> anyhow::Result<()> + Sync + 'a;

/// Leave for everything.
pub fn always() -> anyhow::Result<()> {
    Ok(())
}

/// Says which mirror is used and why; once, when something will be fetched.
pub fn announce(mirror: &Mirror, progress: &dyn Progress) {
    progress.note(&format!("fetching from {mirror} ({})", mirror.origin()));
}
