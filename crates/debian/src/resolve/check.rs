//! The changes of the archive since a lock: by metadata alone, no package is fetched.

use std::collections::BTreeSet;
use std::fmt;

use arch::Host;

use super::archive::Archive;
use super::error::is_gone;
use super::{Error, Request};
use crate::fetch::Fetcher;
use crate::keyring::Keyring;
use crate::lock::Lock;
use crate::mirror::Mirror;
use crate::progress::Progress;

/// The differences between the archive and a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another version, nearly always a newer one; or the same with other contents.
    Version {
        /// The suite.
        suite: String,
        /// The host.
        host: Host,
        /// The package.
        package: String,
        /// The version in the lock.
        old: String,
        /// The version in the archive.
        new: String,
    },
    /// The suite has the package no more.
    PackageGone {
        /// The suite.
        suite: String,
        /// The host.
        host: Host,
        /// The package.
        package: String,
    },
    /// The suite has the architecture no more.
    HostGone {
        /// The suite.
        suite: String,
        /// The host.
        host: Host,
    },
    /// The mirror has the suite no more.
    SuiteGone {
        /// The suite.
        suite: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Version { suite, host, package, old, new } if old == new => {
                write!(f, "{suite}: {package} for {host}: {old} has other contents")
            }
            Change::Version { suite, host, package, old, new } => {
                write!(f, "{suite}: {package} for {host}: {old} -> {new}")
            }
            Change::PackageGone { suite, host, package } => {
                write!(f, "{suite}: {package} for {host} is gone")
            }
            Change::HostGone { suite, host } => write!(f, "{suite}: host {host} is gone"),
            Change::SuiteGone { suite } => write!(f, "{suite}: the suite is gone"),
        }
    }
}

/// Compares every package of `lock` with the archive at `mirror`. Concessions are those that the lock records, and
/// `request.allow_expired` and `request.allow_older`; of `request` only these and `now` count.
pub async fn check(
    lock: &Lock,
    fetcher: &Fetcher,
    mirror: &Mirror,
    keyring: &Keyring,
    request: &Request,
    progress: &dyn Progress,
) -> Result<Vec<Change>, Error> {
    let mut archive = Archive::of(lock, fetcher, mirror, keyring, request, progress);
    let mut changes = Vec::new();
    for suite in lock.suites() {
        let packages = lock.packages().iter().filter(|package| package.suite == suite.name);
        let hosts: BTreeSet<Host> = packages.clone().map(|package| package.host).collect();
        if let Err(error) = archive.release(&suite.name).await {
            if is_gone(&error) {
                changes.push(Change::SuiteGone { suite: suite.name.clone() });
                continue;
            }
            return Err(error);
        }
        for host in hosts {
            let packages: Vec<_> = packages.clone().filter(|package| package.host == host).collect();
            let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
            let Some(entries) = archive.entries(&suite.name, host, &names).await? else {
                changes.push(Change::HostGone { suite: suite.name.clone(), host });
                continue;
            };
            for locked in packages {
                let (suite, package) = (suite.name.clone(), locked.name.clone());
                match entries.get(&locked.name) {
                    None => changes.push(Change::PackageGone { suite, host, package }),
                    Some(entry) if (&entry.version, entry.digest) != (&locked.version, locked.digest) => {
                        let (old, new) = (locked.version.clone(), entry.version.clone());
                        changes.push(Change::Version { suite, host, package, old, new });
                    }
                    Some(_) => {}
                }
            }
        }
    }
    Ok(changes)
}
