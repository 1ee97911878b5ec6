//! From what is wanted to a [`Lock`]: each (host, target) from the newest suite that has it.
//!
//! Suites are asked in order, and only for what is still missing: a host that the first suite fills never causes a look
//! at the second, neither its `InRelease` nor its packages. Which package of a suite holds the static programs is found
//! out by looking: of the candidates ([`CANDIDATES`]) the larger one is opened first, because a package of symbolic links
//! or of dynamic programs is smaller than one with everything linked in (measured: bookworm 7.2 and trixie 10.0, whose
//! layouts are opposite); what counts in the end is which programs pass [`crate::elf::check`].

use std::collections::{BTreeMap, BTreeSet};

use arch::{Host, Status, Target};

use crate::fetch::{self, Fetcher};
use crate::keyring::Keyring;
use crate::lock::{Inconsistent, Lock, Package, Role};
use crate::mirror::Mirror;
use crate::packages::Entry;
use crate::progress::Progress;
use crate::{deb, packages, qemu, release};

mod archive;
mod check;

use archive::Archive;
pub use check::{Change, check};

/// The packages that may hold QEMU's static programs.
pub const CANDIDATES: [&str; 2] = ["qemu-user", "qemu-user-static"];
/// The package that holds busybox.
pub const BUSYBOX: &str = "busybox-static";

/// What a lock is to hold, and under which concessions.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Suites, the most wanted first.
    pub suites: Vec<String>,
    /// Hosts; each also gets busybox.
    pub hosts: BTreeSet<Host>,
    /// Targets, for every host.
    pub targets: BTreeSet<Target>,
    /// Suites whose `Valid-Until` may be past.
    pub allow_expired: BTreeSet<String>,
    /// Suites that are passed over for a host.
    pub without: BTreeSet<(String, Host)>,
    /// The moment that signatures and dates are judged at, unix seconds.
    pub now: i64,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be had.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// A suite's `InRelease` is not to be used.
    #[error(transparent)]
    Release(#[from] release::Error),
    /// The mirror's `Packages` is not the one that `InRelease` names.
    #[error(
        "`Packages` of `{suite}` for {} does not match its InRelease: the mirror is skewed",
        architectures(hosts, ", ", |arch| format!("`{arch}`"))
    )]
    Skewed {
        /// The suite.
        suite: String,
        /// The hosts whose architectures these are: all of those asked for, so that one run tells them all.
        hosts: Vec<Host>,
        /// What the mirror sent instead, for the first of them.
        #[source]
        error: fetch::Error,
    },
    /// A `Packages` cannot be read.
    #[error("cannot read `Packages` of `{suite}` for `{}`", host.debian())]
    Packages {
        /// The suite.
        suite: String,
        /// The host whose architecture it is.
        host: Host,
        /// Why.
        #[source]
        error: packages::Error,
    },
    /// A package cannot be looked into.
    #[error("cannot look into `{path}`")]
    Package {
        /// The package's path.
        path: String,
        /// Why.
        #[source]
        error: Box<qemu::Error>,
    },
    /// No suite has some of what is wanted.
    #[error("no suite of {suites} has {}", cells(.missing))]
    Missing {
        /// The suites that were asked.
        suites: String,
        /// What is missing: a host, and a target or `busybox`.
        missing: Vec<(Host, String)>,
    },
    /// The request names a suite that is not one of its suites.
    #[error("{option} names suite `{suite}`, which is not one of {suites}")]
    NotAsked {
        /// `--allow-expired` or `--without`.
        option: &'static str,
        /// The suite.
        suite: String,
        /// The suites asked for.
        suites: String,
    },
    /// The parts do not fit together.
    #[error(transparent)]
    Inconsistent(#[from] Inconsistent),
    /// A helper thread ended early.
    #[error("interrupted while looking into a package")]
    Interrupted,
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Fetch(error) => error.hint(),
            Error::Release(error) => error.hint(),
            Error::Skewed { suite, hosts, .. } => Some(format!(
                "try again when the mirror has caught up, or another with --mirror; {} passes it over",
                architectures(hosts, " ", |arch| format!("--without {suite}/{arch}"))
            )),
            Error::Missing { .. } => Some("a further suite in images.toml may have it".to_owned()),
            _ => None,
        }
    }
}

fn architectures(hosts: &[Host], separator: &str, each: impl Fn(&str) -> String) -> String {
    hosts.iter().map(|host| each(host.debian())).collect::<Vec<_>>().join(separator)
}

/// Whole hosts are named once: "target `cris` for host `amd64`, busybox for host `i386`".
fn cells(missing: &[(Host, String)]) -> String {
    let mut by_host: BTreeMap<Host, Vec<&str>> = BTreeMap::new();
    for (host, what) in missing {
        by_host.entry(*host).or_default().push(what);
    }
    let each: Vec<String> =
        by_host.iter().map(|(host, whats)| format!("{} for host `{host}`", whats.join(", "))).collect();
    each.join("; ")
}

/// Resolves `request` against the archive at `mirror`.
pub async fn resolve(
    fetcher: &Fetcher,
    mirror: &Mirror,
    keyring: &Keyring,
    request: &Request,
    progress: &dyn Progress,
) -> Result<Lock, Error> {
    check_concessions(request)?;
    let mut archive = Archive::new(fetcher, mirror, keyring, request.now, progress);
    archive.allow_expired.clone_from(&request.allow_expired);
    let mut wanted: BTreeMap<Host, Wanted> =
        request.hosts.iter().map(|host| (*host, Wanted::new(&request.targets))).collect();
    let mut packages = Vec::new();
    for suite in &request.suites {
        let mut skewed = None;
        for (host, wanted) in &mut wanted {
            if wanted.is_empty() {
                continue;
            }
            if request.without.contains(&(suite.clone(), *host)) {
                archive.pass_over(suite, *host).await?;
                continue;
            }
            match fill(&mut archive, suite, *host, wanted).await {
                Ok(filled) => packages.extend(filled),
                Err(Error::Skewed { error, .. }) => {
                    skewed.get_or_insert((Vec::new(), error)).0.push(*host);
                }
                Err(error) => return Err(error),
            }
        }
        if let Some((hosts, error)) = skewed {
            return Err(Error::Skewed { suite: suite.clone(), hosts, error });
        }
    }
    let missing: Vec<_> = wanted.into_iter().flat_map(|(host, wanted)| wanted.left(host)).collect();
    if !missing.is_empty() {
        return Err(Error::Missing { suites: quoted(&request.suites), missing });
    }
    Ok(Lock::new(archive.into_suites(&request.suites), packages)?)
}

/// What a host still lacks.
struct Wanted {
    targets: BTreeSet<Target>,
    busybox: bool,
}

impl Wanted {
    /// Targets that share another one's program come with that.
    fn new(targets: &BTreeSet<Target>) -> Wanted {
        Wanted { targets: targets.iter().map(|target| target.binary()).collect(), busybox: true }
    }

    fn is_empty(&self) -> bool {
        self.targets.is_empty() && !self.busybox
    }

    /// What had to be found and was not. A retired target may be missing: QEMU dropped it before Debian had all hosts.
    fn left(self, host: Host) -> impl Iterator<Item = (Host, String)> {
        let busybox = self.busybox.then(|| "busybox".to_owned());
        let needed = self.targets.into_iter().filter(|target| target.status() != Status::Retired);
        let targets = needed.map(|target| format!("target `{target}`"));
        targets.chain(busybox).map(move |what| (host, what))
    }
}

/// Takes from one suite what `host` still lacks.
async fn fill(
    archive: &mut Archive<'_>,
    suite: &str,
    host: Host,
    wanted: &mut Wanted,
) -> Result<Vec<Package>, Error> {
    let names = [CANDIDATES[0], CANDIDATES[1], BUSYBOX];
    let Some(mut entries) = archive.entries(suite, host, &names).await? else { return Ok(Vec::new()) };
    let mut packages = Vec::new();
    let package = |entry: Entry, role: Role| Package {
        name: entry.name,
        host,
        suite: suite.to_owned(),
        version: entry.version,
        path: entry.path,
        size: entry.size,
        digest: entry.digest,
        role,
    };
    if let Some(entry) = entries.remove(BUSYBOX).filter(|_| wanted.busybox) {
        wanted.busybox = false;
        packages.push(package(entry, Role::Busybox));
    }
    // What is left are the candidates.
    let mut candidates: Vec<Entry> = entries.into_values().collect();
    candidates.sort_by_key(|entry| std::cmp::Reverse(entry.size));
    for entry in candidates {
        if wanted.targets.is_empty() {
            break;
        }
        let held = look_into(archive, &entry, host).await?;
        if held.is_empty() {
            continue;
        }
        let taken: BTreeSet<Target> = wanted.targets.intersection(&held).copied().collect();
        wanted.targets.retain(|target| !taken.contains(target));
        if !taken.is_empty() {
            packages.push(package(entry, Role::Qemu(taken)));
        }
        // The other candidate holds links to these, or dynamic twins.
        break;
    }
    Ok(packages)
}

/// Which targets' static programs a package holds. A damaged file in the cache is fetched again, once.
async fn look_into(archive: &Archive<'_>, entry: &Entry, host: Host) -> Result<BTreeSet<Target>, Error> {
    let urls = [archive.mirror.url(&entry.path)];
    let mut again = true;
    loop {
        archive.fetcher.pinned(&urls, entry.size, entry.digest, archive.progress).await?;
        let file = archive.fetcher.cache().read(entry.size, &entry.digest).map_err(fetch::Error::from)?;
        // Decoding takes seconds, so it has no place among the tasks that wait for the network.
        let listed = tokio::task::spawn_blocking(move || qemu::list(file, host)).await;
        match listed.map_err(|_| Error::Interrupted)? {
            Ok(held) => return Ok(held.into_keys().collect()),
            Err(qemu::Error::Deb { error: deb::Error::Verify(_), .. }) if again => {
                archive.fetcher.cache().remove(&entry.digest).map_err(fetch::Error::from)?;
                again = false;
            }
            Err(error) => {
                return Err(Error::Package { path: entry.path.clone(), error: Box::new(error) });
            }
        }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn check_concessions(request: &Request) -> Result<(), Error> {
    let allowed = request.allow_expired.iter().map(|suite| ("--allow-expired", suite));
    let without = request.without.iter().map(|(suite, _)| ("--without", suite));
    match allowed.chain(without).find(|(_, suite)| !request.suites.contains(suite)) {
        None => Ok(()),
        Some((option, suite)) => {
            let suites = quoted(&request.suites);
            Err(Error::NotAsked { option, suite: suite.clone(), suites })
        }
    }
}
