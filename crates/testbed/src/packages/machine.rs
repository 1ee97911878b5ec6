//! The source of packages as the machine is set up.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use debian::{Cache, Fetcher, Keyring, Mirror, fetch, mirror};

use super::{Archive, Packages};
use crate::Error;
use crate::error::chain;

/// The cache and the mirror are those of `cargo xtask`, so that each package is fetched once for both.
pub(super) fn packages(keyrings: &Path) -> Result<Packages, Error> {
    let env = |name: &str| std::env::var(name).ok();
    let cache_dir = Cache::default_dir(env).ok_or_else(|| {
        Error::Setup("there is no place for the cache\nhint: set QUS_CACHE_DIR or HOME".to_owned())
    })?;
    let cache_dir = std::path::absolute(&cache_dir).map_err(Error::file("use", &cache_dir))?;
    let cache = Cache::open(&cache_dir).map_err(|error| setup(&error))?;
    let fetcher = Fetcher::new(cache, fetch::Options::default());
    let mirror =
        Mirror::choose(None, env("QUS_MIRROR").as_deref(), None, &mirror::apt_sources(Path::new("/etc/apt")))
            .map_err(|error| setup(&error))?;
    chosen(fetcher, mirror, &cache_dir, keyrings)
}

/// The same with a fetcher and a mirror that were chosen before.
pub(super) fn chosen(
    fetcher: Fetcher,
    mirror: Mirror,
    cache_dir: &Path,
    keyrings: &Path,
) -> Result<Packages, Error> {
    let keyring = Keyring::load(keyrings).map_err(|error| setup(&error))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let dir = cache_dir.join("testbed");
    let memo = dir.join("packages.json");
    let archive = Archive::new(fetcher, mirror, keyring, &memo, i64::try_from(now).unwrap_or(i64::MAX))
        .map_err(|error| setup(&error))?;
    Packages::new(&dir, archive)
}

fn setup(error: &(dyn std::error::Error + 'static)) -> Error {
    Error::Setup(chain(error))
}
