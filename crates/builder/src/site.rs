//! The place of a build.

use std::path::PathBuf;

use debian::fetch::Fetcher;
use debian::lock::{Lock, Package};
use debian::mirror::Mirror;
use debian::progress::Progress;

use crate::build::downloads;

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

impl Site {
    /// Fetches those of `packages`, which are `lock`'s, that are not in the cache. A build does that by itself, and only for what it
    /// has not made before.
    pub fn fetch_packages<'a>(
        &self,
        lock: &Lock,
        packages: impl Iterator<Item = &'a Package>,
        progress: &dyn Progress,
    ) -> anyhow::Result<()> {
        let runtime = base::runtime()?;
        for package in packages {
            let urls = lock.urls(&self.mirror, package);
            runtime.block_on(downloads::fetch(package, &urls, &self.fetch, progress))?;
        }
        Ok(())
    }
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
