//! The archive as it is now: suites verified when first asked for, and their lists of packages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::{Mutex, PoisonError};

use arch::Host;
use sha256::Digest;

use super::forward::Forward;
use super::{Error, Request};
use crate::about::Source;
use crate::fetch::Fetcher;
use crate::keyring::Keyring;
use crate::limits;
use crate::lock::{Dsc, Lock, Package, Suite};
use crate::mirror::Mirror;
use crate::packages::{self, Entry};
use crate::progress::{Progress, Task};
use crate::qemu::{self, Listing};
use crate::release::{self, Index, Policy, Release};
use crate::{deb, fetch, sources, stanzas};

pub(super) struct Archive<'a> {
    pub(super) fetcher: &'a Fetcher,
    pub(super) mirror: &'a Mirror,
    pub(super) progress: &'a dyn Progress,
    keyring: &'a Keyring,
    now: i64,
    pub(super) allow_expired: BTreeSet<String>,
    pub(super) forward: Forward,
    releases: BTreeMap<String, Release>,
    passed_over: BTreeSet<(String, Host)>,
    listings: Mutex<BTreeMap<(Digest, Host), Listing>>,
}

impl<'a> Archive<'a> {
    pub(super) fn new(
        fetcher: &'a Fetcher,
        mirror: &'a Mirror,
        keyring: &'a Keyring,
        now: i64,
        progress: &'a dyn Progress,
    ) -> Archive<'a> {
        Archive {
            fetcher,
            mirror,
            progress,
            keyring,
            now,
            allow_expired: BTreeSet::new(),
            forward: Forward::default(),
            releases: BTreeMap::new(),
            passed_over: BTreeSet::new(),
            listings: Mutex::default(),
        }
    }

    /// The archive as `lock` and `request` take it: with the concessions of both.
    pub(super) fn of(
        lock: &Lock,
        fetcher: &'a Fetcher,
        mirror: &'a Mirror,
        keyring: &'a Keyring,
        request: &Request,
        progress: &'a dyn Progress,
    ) -> Archive<'a> {
        let mut archive = Archive::new(fetcher, mirror, keyring, request.now, progress);
        let recorded = lock.suites().iter().filter(|suite| suite.allow_expired);
        archive.allow_expired = recorded.map(|suite| suite.name.clone()).collect();
        archive.allow_expired.extend(request.allow_expired.iter().cloned());
        let older = lock.suites().iter().filter(|suite| suite.allow_older).map(|suite| &suite.name);
        let older = older.chain(&request.allow_older).cloned().collect();
        archive.forward = Forward::new(Some(lock), older);
        archive
    }

    /// Fetches and verifies a suite's `InRelease`, unless that was done before.
    pub(super) async fn release(&mut self, suite: &str) -> Result<&Release, Error> {
        if !self.releases.contains_key(suite) {
            let url = self.mirror.url(&format!("dists/{suite}/InRelease"));
            let inrelease = self.fetcher.unpinned(&url, limits::INRELEASE, self.progress).await?;
            let policy = Policy { allow_expired: self.allow_expired.contains(suite) };
            let release = release::verify(&inrelease, self.keyring, suite, self.now, &policy)?;
            self.forward.check_release(&release)?;
            self.releases.insert(suite.to_owned(), release);
        }
        Ok(&self.releases[suite])
    }

    /// Leaves a suite out for a host that would have asked it. The lock is to say so, and with it which state of the suite
    /// that was.
    pub(super) async fn pass_over(&mut self, suite: &str, host: Host) -> Result<(), Error> {
        self.release(suite).await?;
        self.passed_over.insert((suite.to_owned(), host));
        Ok(())
    }

    /// The newest of each of `names` that a suite, whose release is there, has for a host; `None` if the suite does not
    /// have the host at all.
    pub(super) async fn entries(
        &self,
        suite: &str,
        host: Host,
        names: &[&str],
    ) -> Result<Option<BTreeMap<String, Entry>>, Error> {
        match self.listed(suite, host.debian(), names).await {
            Err(Error::Fetch(error)) if error.is_mismatch() => {
                Err(Error::Skewed { suite: suite.to_owned(), hosts: vec![host], error })
            }
            Ok(Some(entries)) => {
                entries.values().try_for_each(|entry| self.forward.check_entry(suite, host, entry))?;
                Ok(Some(entries))
            }
            result => result,
        }
    }

    /// The same for any Debian architecture. A package for all architectures has no programs, and so does not count.
    pub(super) async fn listed(
        &self,
        suite: &str,
        architecture: &str,
        names: &[&str],
    ) -> Result<Option<BTreeMap<String, Entry>>, Error> {
        let release = self.releases.get(suite);
        let Some(index) = release.and_then(|release| release.packages(architecture)) else {
            return Ok(None);
        };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let newest = move |file| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            packages::newest(file, &names)
        };
        let read = self.read(index, format!("Packages {suite}/{architecture}"), newest).await?;
        let (suite, owned) = (suite.to_owned(), architecture.to_owned());
        let mut entries = read.map_err(|error| Error::Packages { suite, architecture: owned, error })?;
        entries.retain(|_, entry| entry.architecture == architecture);
        Ok(Some(entries))
    }

    /// The emulators in a package. It is looked into once, however many series it is of.
    pub(super) async fn listing(&self, entry: &Entry, host: Host) -> Result<Listing, Error> {
        let listings = || self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (entry.digest, host);
        if let Some(listing) = listings().get(&key) {
            return Ok(listing.clone());
        }
        let listing = self.look_into(entry, host).await?;
        listings().insert(key, listing.clone());
        Ok(listing)
    }

    /// A damaged file in the cache is fetched again, once.
    async fn look_into(&self, entry: &Entry, host: Host) -> Result<Listing, Error> {
        let urls = [self.mirror.url(&entry.path)];
        let mut again = true;
        loop {
            self.fetcher.pinned(&urls, entry.size, entry.digest, self.progress).await?;
            let file = self.fetcher.cache().read(entry.size, &entry.digest).map_err(fetch::Error::from)?;
            // Decoding takes seconds, so it has no place among the tasks that wait for the network.
            let listed = tokio::task::spawn_blocking(move || qemu::list(file, host)).await;
            match listed.map_err(|_| Error::Interrupted)? {
                Ok(listing) => return Ok(listing),
                Err(qemu::Error::Deb { error: deb::Error::Verify(_), .. }) if again => {
                    self.fetcher.cache().remove(&entry.digest).map_err(fetch::Error::from)?;
                    again = false;
                }
                Err(error) => {
                    return Err(Error::Package { path: entry.path.clone(), error: Box::new(error) });
                }
            }
        }
    }

    /// The descriptions of `wanted` that a suite, whose release is there, has; `None` if it has no list of sources.
    pub(super) async fn sources(
        &self,
        suite: &str,
        wanted: BTreeSet<Source>,
    ) -> Result<Option<BTreeMap<Source, Dsc>>, Error> {
        let Some(index) = self.releases.get(suite).and_then(Release::sources) else { return Ok(None) };
        let find = move |file| sources::find(file, &wanted);
        let suite = suite.to_owned();
        match self.read(index, format!("Sources {suite}"), find).await {
            Ok(Ok(found)) => Ok(Some(found)),
            Ok(Err(error)) => Err(Error::Sources { suite, error }),
            Err(Error::Fetch(error)) if error.is_mismatch() => Err(Error::SkewedSources { suite, error }),
            Err(error) => Err(error),
        }
    }

    /// Fetches an index, and reads it on a thread of its own. The inner error is that of what it holds.
    async fn read<T: Send + 'static>(
        &self,
        index: Index,
        name: String,
        parse: impl FnOnce(File) -> Result<T, stanzas::Error> + Send + 'static,
    ) -> Result<Result<T, stanzas::Error>, Error> {
        let urls: Vec<_> = index.paths.iter().map(|path| self.mirror.url(path)).collect();
        let progress = Named { name, inner: self.progress };
        let path = self.fetcher.verified(&urls, index.size, index.digest, &progress).await?;
        let parsed =
            tokio::task::spawn_blocking(move || parse(File::open(&path).map_err(stanzas::Error::Read)?));
        parsed.await.map_err(|_| Error::Interrupted)
    }

    /// The suites that were asked for `packages`, as the lock records them, in the order of `names`; of the concessions, those
    /// that made a difference.
    pub(super) fn into_suites(self, names: &[String], packages: &[Package]) -> Vec<Suite> {
        let without = |name: &str| {
            let here = self.passed_over.iter().filter(|(suite, _)| suite == name);
            here.map(|(_, host)| *host).collect()
        };
        let suite = |release: &Release| Suite {
            name: release.name.clone(),
            codename: release.codename.clone(),
            date: release.date,
            inrelease: release.digest,
            allow_expired: release.valid_until.is_some_and(|end| end < self.now),
            allow_older: self.forward.is_behind(release, packages),
            without: without(&release.name),
        };
        names.iter().filter_map(|name| self.releases.get(name)).map(suite).collect()
    }
}

/// Downloads under another name than that of their address, which may be a digest.
struct Named<'a> {
    name: String,
    inner: &'a dyn Progress,
}

impl Progress for Named<'_> {
    fn start(&self, _: &str, size: u64) -> Box<dyn Task> {
        self.inner.start(&self.name, size)
    }

    fn note(&self, message: &str) {
        self.inner.note(message);
    }

    fn warn(&self, message: &str) {
        self.inner.warn(message);
    }

    fn detail(&self, message: &str) {
        self.inner.detail(message);
    }
}
