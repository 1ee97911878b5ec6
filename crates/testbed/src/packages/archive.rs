//! Packages from Debian's archive, with everything checked on the way.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use debian::packages::Entry;
use debian::progress::Silent;
use debian::relations::Relations;
use debian::release::{Index, Policy};
use debian::{Fetcher, Keyring, Mirror, fetch, packages, release};
use serde::{Deserialize, Serialize};
use sha256::Digest;

use super::{Contents, Deb, Mirrored, Package, SourceError};

/// For how long what a suite had is taken for what it has, in seconds: a day.
const FRESH: i64 = 24 * 60 * 60;

/// The largest size of an `InRelease`, in bytes.
const INRELEASE_LIMIT: usize = 4 << 20;

/// The reason why the archive does not have a package, unless it is one of `debian`'s own.
#[derive(Debug, thiserror::Error)]
enum ArchiveError {
    /// A `Packages` cannot be read.
    #[error("cannot read `Packages` of `{suite}` for `{architecture}`")]
    Packages {
        suite: String,
        architecture: String,
        #[source]
        error: packages::Error,
    },
    /// The suite is fine, but has no such package.
    #[error("`{}` has no package `{}` for `{}`", .0.suite, .0.name, .0.architecture)]
    NoPackage(Package),
}

/// For `map_err` on reading a `Packages`.
fn unreadable(suite: &str, architecture: &str) -> impl FnOnce(packages::Error) -> ArchiveError {
    let (suite, architecture) = (suite.to_owned(), architecture.to_owned());
    move |error| ArchiveError::Packages { suite, architecture, error }
}

/// Debian's archive at a mirror, with a cache.
///
/// What it found is remembered for a day in a file, so that tests do not ask the mirror each time; a package that the
/// mirror has replaced in the meantime is looked for anew. An expired `Valid-Until` is accepted: these packages are
/// tools of tests, and nothing of them ships.
pub struct Archive {
    fetcher: Fetcher,
    mirror: Mirror,
    keyring: Keyring,
    memo: PathBuf,
    now: i64,
    runtime: &'static tokio::runtime::Runtime,
}

/// The place of a package, and the moment since which it is known.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pin {
    path: String,
    size: u64,
    digest: Digest,
    seen: i64,
}

type Pins = BTreeMap<String, Pin>;

/// The files that say what a suite has.
struct Lists {
    inrelease: Vec<u8>,
    /// The list for an architecture, and the file with it; none if the suite does not have the architecture.
    list: Option<(Index, PathBuf)>,
}

fn inrelease_path(suite: &str) -> String {
    format!("dists/{suite}/InRelease")
}

/// The newest entries of `names` in the `Packages.xz` of a suite.
fn newest(
    list: &Path,
    suite: &str,
    architecture: &str,
    names: &[&str],
) -> Result<BTreeMap<String, Entry>, ArchiveError> {
    let file = File::open(list).map_err(packages::Error::Read);
    file.and_then(|file| packages::newest(file, names)).map_err(unreadable(suite, architecture))
}

impl Archive {
    /// The archive at `mirror`, checked against `keyring` at the moment `now` (unix seconds). `memo` is the file that
    /// remembers; it need not exist.
    pub fn new(
        fetcher: Fetcher,
        mirror: Mirror,
        keyring: Keyring,
        memo: &Path,
        now: i64,
    ) -> std::io::Result<Archive> {
        let runtime = base::runtime()?;
        Ok(Archive { fetcher, mirror, keyring, memo: memo.to_owned(), now, runtime })
    }

    /// The pins of `packages`, from the memo or the mirror.
    async fn pins(&self, packages: &[Package]) -> Result<Pins, SourceError> {
        let mut pins = self.recall();
        let mut unknown: BTreeMap<(&str, &str), Vec<&Package>> = BTreeMap::new();
        for package in packages.iter().filter(|package| !pins.contains_key(&package.to_string())) {
            unknown.entry((&package.suite, &package.architecture)).or_default().push(package);
        }
        if unknown.is_empty() {
            return Ok(pins);
        }
        for ((suite, architecture), wanted) in unknown {
            let names: Vec<&str> = wanted.iter().map(|package| package.name.as_str()).collect();
            let mut entries = self.entries(suite, architecture, &names).await?;
            for package in wanted {
                let Some(Entry { path, size, digest, .. }) = entries.remove(&package.name) else {
                    return Err(ArchiveError::NoPackage(package.clone()).into());
                };
                pins.insert(package.to_string(), Pin { path, size, digest, seen: self.now });
            }
        }
        self.remember(&pins);
        Ok(pins)
    }

    /// The newest entries of a suite, from a list that `InRelease` vouches for.
    async fn entries(
        &self,
        suite: &str,
        architecture: &str,
        names: &[&str],
    ) -> Result<BTreeMap<String, Entry>, SourceError> {
        let list = self.lists(suite, architecture).await?.list;
        Ok(list.map_or(Ok(BTreeMap::new()), |(_, file)| newest(&file, suite, architecture, names))?)
    }

    /// A suite's `InRelease`, and the list of packages that it has for an architecture.
    async fn lists(&self, suite: &str, architecture: &str) -> Result<Lists, SourceError> {
        let url = self.mirror.url(&inrelease_path(suite));
        let inrelease = self.fetcher.unpinned(&url, INRELEASE_LIMIT, &Silent).await?;
        let policy = Policy { allow_expired: true };
        let release = release::verify(&inrelease, &self.keyring, suite, self.now, &policy)?;
        let Some(index) = release.packages(architecture) else { return Ok(Lists { inrelease, list: None }) };
        let urls: Vec<_> = index.paths.iter().map(|path| self.mirror.url(path)).collect();
        let file = self.fetcher.verified(&urls, index.size, index.digest, &Silent).await?;
        Ok(Lists { inrelease, list: Some((index, file)) })
    }

    async fn files(
        &self,
        suite: &str,
        architecture: &str,
        names: &[&str],
    ) -> Result<Vec<Mirrored>, SourceError> {
        let Lists { inrelease, list } = self.lists(suite, architecture).await?;
        let inrelease = Mirrored { path: inrelease_path(suite), contents: Contents::Bytes(inrelease) };
        let mut files = vec![inrelease];
        let mut entries = BTreeMap::new();
        if let Some((index, file)) = list {
            entries = newest(&file, suite, architecture, names)?;
            let list = |path| Mirrored { path, contents: Contents::File(file.clone()) };
            files.extend(index.paths.into_iter().map(list));
        }
        for &name in names {
            let Some(Entry { path, size, digest, .. }) = entries.remove(name) else {
                let (suite, architecture) = (suite.to_owned(), architecture.to_owned());
                let package = Package { suite, architecture, name: name.to_owned() };
                return Err(ArchiveError::NoPackage(package).into());
            };
            let deb = self.fetcher.verified(&[self.mirror.url(&path)], size, digest, &Silent).await?;
            files.push(Mirrored { path, contents: Contents::File(deb) });
        }
        Ok(files)
    }

    /// The relations of a suite's packages; of an architecture that it does not have, none.
    async fn related(&self, suite: &str, architecture: &str) -> Result<Relations, SourceError> {
        let Some((_, list)) = self.lists(suite, architecture).await?.list else {
            return Ok(Relations::default());
        };
        let file = File::open(list).map_err(packages::Error::Read);
        Ok(file.and_then(Relations::read).map_err(unreadable(suite, architecture))?)
    }

    async fn fetch(&self, pin: &Pin) -> Result<Deb, SourceError> {
        let urls = [self.mirror.url(&pin.path)];
        let path = self.fetcher.verified(&urls, pin.size, pin.digest, &Silent).await?;
        Ok(Deb { path, size: pin.size, digest: pin.digest })
    }

    /// The pins that are remembered and still fresh. A memo that is not there or not readable is an empty one.
    fn recall(&self) -> Pins {
        let text = std::fs::read(&self.memo).unwrap_or_default();
        let mut pins: Pins = serde_json::from_slice(&text).unwrap_or_default();
        pins.retain(|_, pin| (0..FRESH).contains(&(self.now - pin.seen)));
        pins
    }

    /// Two processes at once overwrite each other's memo, never mix them; not to remember costs only time.
    fn remember(&self, pins: &Pins) {
        if let Ok(text) = serde_json::to_vec_pretty(pins) {
            let _ = files::write(&self.memo, &text);
        }
    }

    async fn all(&self, packages: &[Package]) -> Result<Vec<Deb>, SourceError> {
        let mut pins = self.pins(packages).await?;
        let mut debs = Vec::new();
        for package in packages {
            let name = package.to_string();
            let deb = match self.fetch(&pins[&name]).await {
                // Replaced by a newer version since it was remembered, most likely.
                Err(error) if error.is::<fetch::Error>() && pins[&name].seen < self.now => {
                    self.forget(&name);
                    pins = self.pins(packages).await?;
                    self.fetch(&pins[&name]).await?
                }
                result => result?,
            };
            debs.push(deb);
        }
        Ok(debs)
    }

    fn forget(&self, name: &str) {
        let mut pins = self.recall();
        pins.remove(name);
        self.remember(&pins);
    }

    /// The .debs of `packages`, in their order.
    pub(super) fn debs(&self, packages: &[Package]) -> Result<Vec<Deb>, SourceError> {
        self.runtime.block_on(self.all(packages))
    }

    /// The files by which a mirror has a suite for an architecture: its signed `InRelease`, its list of packages, and the .debs
    /// of `names`.
    pub(super) fn mirrored(
        &self,
        suite: &str,
        architecture: &str,
        names: &[&str],
    ) -> Result<Vec<Mirrored>, SourceError> {
        self.runtime.block_on(self.files(suite, architecture, names))
    }

    /// The relations between the packages that a suite has for an architecture.
    pub(super) fn relations(&self, suite: &str, architecture: &str) -> Result<Relations, SourceError> {
        self.runtime.block_on(self.related(suite, architecture))
    }
}
