//! The things in the archive that nobody asked for: targets that no table knows, architectures that are no hosts.
//!
//! Somebody may want them, and nothing depends on them: they are reported, and are no reason for anything to fail.

use std::collections::{BTreeMap, BTreeSet};

use arch::Host;

use super::archive::Archive;
use super::error::is_gone;
use super::{CANDIDATES, Finding, Kind, Request};
use crate::fetch::Fetcher;
use crate::keyring::Keyring;
use crate::lock::Lock;
use crate::mirror::Mirror;
use crate::packages::Entry;
use crate::progress::Progress;

/// Static programs under the names of emulators of targets that no table knows. Only who looks into a package sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The suite.
    pub suite: String,
    /// The host.
    pub host: Host,
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The targets, as QEMU names them.
    pub targets: BTreeSet<String>,
}

/// The targets in `unknown` that were not refused.
pub fn new_targets(request: &Request, unknown: &[Unknown]) -> Vec<Finding> {
    let mut found: BTreeMap<Kind, BTreeSet<Host>> = BTreeMap::new();
    for Unknown { suite, host, package, version, targets } in unknown {
        let targets: BTreeSet<String> = targets.difference(&request.refused_targets).cloned().collect();
        if !targets.is_empty() {
            let (suite, package, version) = (suite.clone(), package.clone(), version.clone());
            found.entry(Kind::TargetNew { suite, package, version, targets }).or_default().insert(*host);
        }
    }
    found.into_iter().map(|(kind, hosts)| Finding { kind, hosts: hosts.into_iter().collect() }).collect()
}

/// The architectures that the suites of `lock` have QEMU for, and that are neither hosts of `request` nor refused; each in
/// the most wanted suite that has it. By metadata alone, no package is fetched. What cannot be read is noted, and passed
/// over.
pub async fn new_hosts(
    lock: &Lock,
    fetcher: &Fetcher,
    mirror: &Mirror,
    keyring: &Keyring,
    request: &Request,
    progress: &dyn Progress,
) -> Vec<Finding> {
    let mut archive = Archive::of(lock, fetcher, mirror, keyring, request, progress);
    // `all` is in every suite, and no machine.
    let mut known: BTreeSet<String> = ["all".to_owned()].into();
    known.extend(request.hosts.iter().map(|host| host.debian().to_owned()));
    known.extend(request.refused_hosts.iter().cloned());
    let mut found: BTreeMap<String, (String, Entry)> = BTreeMap::new();
    for suite in lock.suites() {
        let suite = &suite.name;
        let architectures: Vec<String> = match archive.release(suite).await {
            Ok(release) => release.architectures().map(str::to_owned).collect(),
            // `check` reports that.
            Err(error) if is_gone(&error) => continue,
            Err(error) => {
                progress.note(&format!("cannot look for new hosts in `{suite}`: {error}"));
                continue;
            }
        };
        for architecture in architectures.into_iter().filter(|name| !known.contains(name)) {
            match archive.listed(suite, &architecture, &CANDIDATES).await {
                Ok(entries) => {
                    let entries = entries.into_iter().flat_map(BTreeMap::into_values);
                    // As in the parent module, the larger one is the likely one.
                    let largest = entries.max_by_key(|entry| entry.size);
                    found.extend(largest.map(|entry| (architecture, (suite.clone(), entry))));
                }
                Err(error) => {
                    progress
                        .note(&format!("cannot look for new host `{architecture}` in `{suite}`: {error}"));
                }
            }
        }
        known.extend(found.keys().cloned());
    }
    let finding = |(architecture, (suite, Entry { name, version, .. }))| Finding {
        kind: Kind::HostNew { suite, package: name, version, architecture },
        hosts: Vec::new(),
    };
    found.into_iter().map(finding).collect()
}
