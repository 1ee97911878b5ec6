//! A suite only goes forward: neither its date nor the version of a package falls behind what the lock there was has.
//!
//! The signature of an old state is as good as that of a new one, and stable suites have no `Valid-Until`: without this, a mirror
//! or a proxy could bring back any version with a known hole.

use std::collections::BTreeSet;

use arch::Host;

use super::Error;
use crate::lock::{Lock, Package};
use crate::packages::{Entry, parse_version};
use crate::release::Release;

/// The lock that nothing may fall behind.
#[derive(Debug, Default)]
pub(super) struct Forward {
    previous: Option<Lock>,
    allowed: BTreeSet<String>,
}

impl Forward {
    /// Against `previous`, but for the suites that are `allowed` to be older.
    pub(super) fn new(previous: Option<&Lock>, allowed: BTreeSet<String>) -> Forward {
        Forward { previous: previous.cloned(), allowed }
    }

    /// Fails if a suite is older than it was.
    pub(super) fn check_release(&self, release: &Release) -> Result<(), Error> {
        match self.previous.as_ref().and_then(|lock| lock.suite(&release.name)) {
            Some(locked) if release.date < locked.date && !self.allowed.contains(&release.name) => {
                let (suite, date, locked) = (release.name.clone(), release.date, locked.date);
                Err(Error::OlderSuite { suite, date, locked })
            }
            _ => Ok(()),
        }
    }

    /// Fails if a package is older than it was in the same suite.
    pub(super) fn check_entry(&self, suite: &str, host: Host, entry: &Entry) -> Result<(), Error> {
        match self.newer(suite, host, &entry.name, &entry.version) {
            Some(locked) if !self.allowed.contains(suite) => Err(Error::OlderPackage {
                suite: suite.to_owned(),
                host,
                package: entry.name.clone(),
                version: entry.version.clone(),
                locked: locked.version.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// True if `release` or a package from it is older than it was, and so was allowed to be.
    pub(super) fn is_behind(&self, release: &Release, packages: &[Package]) -> bool {
        let locked = self.previous.as_ref().and_then(|lock| lock.suite(&release.name));
        let mut own = packages.iter().filter(|package| package.suite == release.name);
        locked.is_some_and(|locked| release.date < locked.date)
            || own.any(|new| self.newer(&new.suite, new.host, &new.name, &new.version).is_some())
    }

    /// The package as it was, if that was newer.
    fn newer(&self, suite: &str, host: Host, name: &str, version: &str) -> Option<&Package> {
        let packages = self.previous.as_ref()?.packages();
        let locked = packages
            .iter()
            .find(|package| package.suite == suite && package.host == host && package.name == name)?;
        // A lock that was edited may have what is no version: nothing is older than that.
        (parse_version(version)? < parse_version(&locked.version)?).then_some(locked)
    }
}
