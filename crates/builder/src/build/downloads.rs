//! Packages on their way: all of a build's downloads, a few at a time, ahead of the workers that need them.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};

use ::base::lock;
use anyhow::Context as _;
use debian::fetch::{Address, Fetcher};
use debian::lock::{Lock, Package};
use debian::mirror::Mirror;
use debian::progress::Progress;
use sha256::Digest;
use tokio::task::JoinSet;

use crate::Site;

/// More connections to one mirror only take from each other.
const AT_ONCE: usize = 3;

/// The downloads of one build.
pub(super) struct Downloads {
    shared: Arc<Shared>,
    // Dropped with the build: what has not ended then is cancelled, and resumes in the next run.
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    done: Mutex<HashMap<Digest, Result<(), Option<anyhow::Error>>>>,
    changed: Condvar,
}

impl Downloads {
    /// Starts to fetch `packages`, in that order.
    pub(super) fn start<'a>(
        packages: impl Iterator<Item = &'a Package>,
        pins: &Lock,
        fetcher: &Fetcher,
        mirror: &Mirror,
        progress: &Arc<dyn Progress>,
    ) -> anyhow::Result<Downloads> {
        let runtime = ::base::runtime().context("cannot start the downloads")?.handle();
        let mut tasks = JoinSet::new();
        let shared = Arc::new(Shared::default());
        let limit = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        for package in packages {
            let (package, urls, fetcher) = (package.clone(), pins.urls(mirror, package), fetcher.clone());
            let (progress, shared, limit) = (Arc::clone(progress), Arc::clone(&shared), Arc::clone(&limit));
            let task = async move {
                // Tasks wait for the semaphore in the order in which they ask: the order of spawning.
                let _permit = limit.acquire().await;
                let result = fetch(&package, &urls, &fetcher, progress.as_ref()).await;
                lock(&shared.done).insert(package.digest, result.map_err(Some));
                shared.changed.notify_all();
            };
            tasks.spawn_on(task, runtime);
        }
        Ok(Downloads { shared, _tasks: tasks })
    }

    /// Waits until `package` is in the cache.
    pub(super) fn wait(&self, package: &Package) -> anyhow::Result<()> {
        let mut done = lock(&self.shared.done);
        loop {
            match done.get_mut(&package.digest) {
                Some(Ok(())) => return Ok(()),
                Some(Err(error)) => {
                    return Err(error.take().unwrap_or_else(|| anyhow::anyhow!("a download failed")));
                }
                None => done = ::base::wait(&self.shared.changed, done),
            }
        }
    }
}

/// Fetches those of `packages`, which are `lock`'s, that are not in the cache. A build does that by itself, and only for what it has
/// not made before.
pub fn fetch_packages<'a>(
    site: &Site,
    lock: &Lock,
    packages: impl Iterator<Item = &'a Package>,
    progress: &dyn Progress,
) -> anyhow::Result<()> {
    let runtime = ::base::runtime()?;
    for package in packages {
        let urls = lock.urls(&site.mirror, package);
        runtime.block_on(fetch(package, &urls, &site.fetch, progress))?;
    }
    Ok(())
}

async fn fetch(
    package: &Package,
    urls: &[Address],
    fetcher: &Fetcher,
    progress: &dyn Progress,
) -> anyhow::Result<()> {
    let Package { name, version, host, suite, .. } = package;
    let what = format!("{name} {version} for {host}");
    fetcher
        .verified(urls, package.size, package.digest, progress)
        .await
        .map(drop)
        .with_context(|| format!("cannot get {what} ({suite})"))
}
