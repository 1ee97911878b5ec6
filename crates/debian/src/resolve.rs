//! From what is wanted to a [`Lock`]: each (host, target) from the newest suite that has it.
//!
//! Suites are asked in order, and only for what is still missing: a host that the first suite fills never causes a look
//! at the second, neither its `InRelease` nor its packages. Which package of a suite holds the static programs is found
//! out by looking: of the candidates ([`CANDIDATES`]) the larger one is opened first, because a package of symbolic links
//! or of dynamic programs is smaller than one with everything linked in (measured: bookworm 7.2 and trixie 10.0, whose
//! layouts are opposite); what counts in the end is which programs pass [`crate::elf::check`].

use std::collections::{BTreeMap, BTreeSet};

use arch::{Host, Status, Target};
use futures_util::stream::{self, StreamExt as _};

use crate::about::Source;
use crate::elf;
use crate::fetch::Fetcher;
use crate::keyring::Keyring;
use crate::lock::{BUSYBOX, LIBC, Lock, Package, Role};
use crate::mirror::Mirror;
use crate::packages::Entry;
use crate::progress::Progress;
use crate::qemu::Listing;

mod archive;
pub mod changes;
mod check;
mod compare;
mod concessions;
mod error;
mod finding;
mod forward;
mod news;
mod pins;

use archive::Archive;
pub use check::{Change, check};
pub use compare::{Comparison, Row, compare};
pub use concessions::Concessions;
pub use error::{Error, Need};
pub use finding::{Finding, Kind};
use forward::Forward;
pub use news::{Unknown, new_hosts, new_targets};

/// The packages that may hold QEMU's static programs.
pub const CANDIDATES: [&str; 2] = ["qemu-user", "qemu-user-static"];

/// The number of hosts that are looked after at once. More connections to one mirror only take from each other.
const AT_ONCE: usize = 3;

/// The purpose of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Images: QEMU's targets and busybox.
    #[default]
    Images,
    /// Linking `register`: the C library alone.
    Linking,
}

/// A request for a lock: its contents and its concessions.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Suites, the most wanted first.
    pub suites: Vec<String>,
    /// Those of them that are series of their own, too: with all that they have, and not only what is newest there.
    pub series: Vec<String>,
    /// Its purpose.
    pub purpose: Purpose,
    /// Hosts.
    pub hosts: BTreeSet<Host>,
    /// Targets, for every host; none for [`Purpose::Linking`].
    pub targets: BTreeSet<Target>,
    /// Suites whose `Valid-Until` may be past.
    pub allow_expired: BTreeSet<String>,
    /// Suites that may be older than in `previous`.
    pub allow_older: BTreeSet<String>,
    /// The lock there was, which nothing may fall behind.
    pub previous: Option<Lock>,
    /// Pin the descriptions of sources, too, out of the suites' `Sources`.
    pub sources: bool,
    /// Suites that are passed over for a host.
    pub without: BTreeSet<(String, Host)>,
    /// Targets that no table knows, as QEMU names them, and that are not to be reported as new.
    pub refused_targets: BTreeSet<String>,
    /// Debian architectures that are no hosts, and are not to be reported as new.
    pub refused_hosts: BTreeSet<String>,
    /// The moment that signatures and dates are judged at, unix seconds.
    pub now: i64,
}

/// Files under the names of QEMU's emulators that are no static programs, and so were not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The suite.
    pub suite: String,
    /// The host.
    pub host: Host,
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Each target with what its file is.
    pub targets: BTreeMap<Target, elf::Error>,
}

/// A lock, and what was not taken on the way to it.
#[derive(Debug)]
pub struct Resolution {
    /// The lock.
    pub lock: Lock,
    /// The other files that had the names of emulators.
    pub rejected: Vec<Rejected>,
    /// The emulators that nobody could ask for.
    pub unknown: Vec<Unknown>,
}

/// Resolves `request` against the archive at `mirror`.
pub async fn resolve(
    fetcher: &Fetcher,
    mirror: &Mirror,
    keyring: &Keyring,
    request: &Request,
    progress: &dyn Progress,
) -> Result<Lock, Error> {
    look(fetcher, mirror, keyring, request, progress).await.map(|resolution| resolution.lock)
}

/// Like [`resolve`], and reports what was not taken.
pub async fn look(
    fetcher: &Fetcher,
    mirror: &Mirror,
    keyring: &Keyring,
    request: &Request,
    progress: &dyn Progress,
) -> Result<Resolution, Error> {
    check_concessions(request)?;
    let mut archive = Archive::new(fetcher, mirror, keyring, request.now, progress);
    archive.allow_expired.clone_from(&request.allow_expired);
    archive.forward = Forward::new(request.previous.as_ref(), request.allow_older.clone());
    let mut wanted: BTreeMap<Host, Wanted> =
        request.hosts.iter().map(|host| (*host, Wanted::new(request))).collect();
    let (mut packages, mut rejected, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut sources: BTreeMap<String, BTreeSet<Source>> = BTreeMap::new();
    for suite in &request.suites {
        let passed = |host: Host| request.without.contains(&(suite.clone(), host));
        let asking = wanted.iter_mut().filter(|(_, wanted)| !wanted.is_empty());
        let (passing, asking): (Vec<_>, Vec<_>) = asking.partition(|(host, _)| passed(**host));
        for (host, _) in passing {
            archive.pass_over(suite, *host).await?;
        }
        if asking.is_empty() {
            continue;
        }
        archive.release(suite).await?;
        let mut skewed = None;
        let fill = |(host, wanted): (&Host, _)| fill(&archive, suite, *host, wanted);
        let mut filled = stream::iter(asking).map(fill).buffered(AT_ONCE);
        while let Some(result) = filled.next().await {
            match result {
                Ok(found) => {
                    packages.extend(found.packages);
                    rejected.extend(found.rejected);
                    unknown.extend(found.unknown);
                    sources.entry(suite.clone()).or_default().extend(found.sources);
                }
                Err(Error::Skewed { hosts, error, .. }) => {
                    skewed.get_or_insert((Vec::new(), error)).0.extend(hosts);
                }
                Err(error) => return Err(error),
            }
        }
        drop(filled);
        if let Some((hosts, error)) = skewed {
            return Err(Error::Skewed { suite: suite.clone(), hosts, error });
        }
    }
    for suite in &request.series {
        let of_series = series(&mut archive, request, suite).await?;
        rejected.extend(of_series.rejected);
        sources.entry(suite.clone()).or_default().extend(of_series.sources);
        for found in of_series.packages {
            let is_same = |package: &&mut Package| {
                (package.host, package.digest) == (found.host, found.digest) && package.name == found.name
            };
            match packages.iter_mut().find(is_same) {
                Some(package) => package.series = found.series,
                None => packages.push(found),
            }
        }
    }
    let missing: Vec<_> = wanted.into_iter().flat_map(|(host, wanted)| wanted.left(host)).collect();
    if !missing.is_empty() {
        return Err(Error::Missing { suites: quoted(&request.suites), missing, rejected });
    }
    let sources = match request.sources {
        true => pins::of(&archive, sources, request.previous.as_ref()).await?,
        false => BTreeMap::new(),
    };
    let lock = Lock::new(archive.into_suites(&request.suites, &packages), packages)?.with_sources(sources);
    Ok(Resolution { lock, rejected, unknown })
}

/// Everything that a suite has, for all hosts: a series of its own. What it lacks is no error, since that says which QEMU there
/// is.
async fn series(archive: &mut Archive<'_>, request: &Request, suite: &str) -> Result<Filled, Error> {
    let (passing, asking): (Vec<Host>, Vec<Host>) =
        request.hosts.iter().partition(|host| request.without.contains(&(suite.to_owned(), **host)));
    archive.release(suite).await?;
    for host in passing {
        archive.pass_over(suite, host).await?;
    }
    let archive = &*archive;
    let fill = |host: Host| async move {
        let mut wanted = Wanted { other: None, ..Wanted::new(request) };
        (host, fill(archive, suite, host, &mut wanted).await)
    };
    let mut filled = stream::iter(asking).map(fill).buffered(AT_ONCE);
    let (mut all, mut skewed) = (Filled::default(), None);
    while let Some((host, result)) = filled.next().await {
        match result {
            Ok(mut found) => {
                for package in &mut found.packages {
                    let Role::Qemu(targets) = &mut package.role else { continue };
                    package.series = std::mem::take(targets);
                }
                all.packages.extend(found.packages);
                all.rejected.extend(found.rejected);
                all.sources.extend(found.sources);
            }
            Err(Error::Skewed { error, .. }) => {
                skewed.get_or_insert((Vec::new(), error)).0.push(host);
            }
            Err(error) => return Err(error),
        }
    }
    match skewed {
        Some((hosts, error)) => Err(Error::Skewed { suite: suite.to_owned(), hosts, error }),
        None if all.packages.is_empty() => Err(Error::NoSeries { series: suite.to_owned() }),
        None => Ok(all),
    }
}

/// The needs that a host still has.
struct Wanted {
    targets: BTreeSet<Target>,
    /// A package beside those of QEMU, by name, and what it is for.
    other: Option<(&'static str, Role)>,
}

impl Wanted {
    /// Targets that share another one's program come with that.
    fn new(request: &Request) -> Wanted {
        match request.purpose {
            Purpose::Images => Wanted {
                targets: request.targets.iter().map(|target| target.binary()).collect(),
                other: Some((BUSYBOX, Role::Busybox)),
            },
            Purpose::Linking => Wanted { targets: BTreeSet::new(), other: Some((LIBC, Role::Libc)) },
        }
    }

    fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.other.is_none()
    }

    /// The needs that had to be met and were not. A retired target may be missing: QEMU dropped it before Debian had all hosts.
    fn left(self, host: Host) -> impl Iterator<Item = (Host, Need)> {
        let needed = self.targets.into_iter().filter(|target| target.status() != Status::Retired);
        let other = self.other.map(|(name, _)| Need::Package(name));
        needed.map(Need::Target).chain(other).map(move |what| (host, what))
    }
}

/// The packages that one suite gives to a host.
#[derive(Default)]
struct Filled {
    packages: Vec<Package>,
    rejected: Vec<Rejected>,
    unknown: Vec<Unknown>,
    /// The sources of the packages.
    sources: BTreeSet<Source>,
}

/// Takes from one suite what `host` still lacks.
async fn fill(archive: &Archive<'_>, suite: &str, host: Host, wanted: &mut Wanted) -> Result<Filled, Error> {
    let mut names: Vec<&str> = Vec::new();
    if !wanted.targets.is_empty() {
        names.extend(CANDIDATES);
    }
    names.extend(wanted.other.as_ref().map(|(name, _)| *name));
    let mut filled = Filled::default();
    let Some(mut entries) = archive.entries(suite, host, &names).await? else { return Ok(filled) };
    let package = |entry: Entry, role: Role| Package {
        name: entry.name,
        host,
        suite: suite.to_owned(),
        version: entry.version,
        path: entry.path,
        size: entry.size,
        digest: entry.digest,
        role,
        series: BTreeSet::new(),
        passed_over: BTreeSet::new(),
    };
    if let Some((name, role)) = wanted.other.take() {
        match entries.remove(name) {
            Some(mut entry) => {
                filled.sources.append(&mut entry.sources);
                filled.packages.push(package(entry, role));
            }
            None => wanted.other = Some((name, role)),
        }
    }
    // What is left are the candidates.
    let mut candidates: Vec<Entry> = entries.into_values().collect();
    candidates.sort_by_key(|entry| std::cmp::Reverse(entry.size));
    for mut entry in candidates {
        if wanted.targets.is_empty() {
            break;
        }
        let Listing { held, mut rejected, unknown } = archive.listing(&entry, host).await?;
        let origin = || (suite.to_owned(), entry.name.clone(), entry.version.clone());
        rejected.retain(|target, _| wanted.targets.contains(target));
        if !rejected.is_empty() {
            let (suite, package, version) = origin();
            filled.rejected.push(Rejected { suite, host, package, version, targets: rejected });
        }
        if !unknown.is_empty() {
            let (suite, package, version) = origin();
            filled.unknown.push(Unknown { suite, host, package, version, targets: unknown });
        }
        if held.is_empty() {
            continue;
        }
        let held: BTreeSet<Target> = held.into_keys().collect();
        let taken: BTreeSet<Target> = wanted.targets.intersection(&held).copied().collect();
        wanted.targets.retain(|target| !taken.contains(target));
        if !taken.is_empty() {
            filled.sources.append(&mut entry.sources);
            filled.packages.push(package(entry, Role::Qemu(taken)));
        }
        // The other candidate holds links to these, or dynamic twins.
        break;
    }
    Ok(filled)
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn check_concessions(request: &Request) -> Result<(), Error> {
    let allowed = request.allow_expired.iter().map(|suite| ("--allow-expired", suite));
    let older = request.allow_older.iter().map(|suite| ("--allow-older", suite));
    let without = request.without.iter().map(|(suite, _)| ("--without", suite));
    match allowed.chain(older).chain(without).find(|(_, suite)| !request.suites.contains(suite)) {
        None => Ok(()),
        Some((option, suite)) => {
            let suites = quoted(&request.suites);
            Err(Error::NotAsked { option, suite: suite.clone(), suites })
        }
    }
}
