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
    /// Another version, nearly always a newer one.
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
    /// The same version with other contents.
    Contents {
        /// The suite.
        suite: String,
        /// The host.
        host: Host,
        /// The package.
        package: String,
        /// Its version.
        version: String,
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
            Change::Version { suite, host, package, old, new } => {
                write!(f, "{suite}: {package} for {host}: {old} -> {new}")
            }
            Change::Contents { suite, host, package, version } => {
                write!(f, "{suite}: {package} for {host}: {version} has other contents")
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
        match archive.release(&suite.name).await {
            Ok(_) => {}
            Err(error) if is_gone(&error) => {
                changes.push(Change::SuiteGone { suite: suite.name.clone() });
                continue;
            }
            Err(error) => return Err(error),
        }
        for host in hosts {
            let packages: Vec<_> = packages.clone().filter(|package| package.host == host).collect();
            let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
            let entries = match archive.entries(&suite.name, host, &names).await {
                Ok(Some(entries)) => entries,
                Ok(None) => {
                    changes.push(Change::HostGone { suite: suite.name.clone(), host });
                    continue;
                }
                Err(error) => return Err(error),
            };
            for locked in packages {
                let (suite, package) = (suite.name.clone(), locked.name.clone());
                let version = locked.version.clone();
                changes.extend(match entries.get(&locked.name) {
                    None => Some(Change::PackageGone { suite, host, package }),
                    Some(entry) if entry.version != version => Some(Change::Version {
                        suite,
                        host,
                        package,
                        old: version,
                        new: entry.version.clone(),
                    }),
                    Some(entry) if entry.digest != locked.digest => {
                        Some(Change::Contents { suite, host, package, version })
                    }
                    Some(_) => None,
                });
            }
        }
    }
    Ok(changes)
}
