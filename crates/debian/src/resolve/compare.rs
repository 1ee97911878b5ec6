//! The differences between two locks, and which of the differences mean that Debian was rebuilt rather than updated.
//!
//! Pure: two locks and what was noticed on the way to the new one go in, rows and findings come out.

use std::collections::{BTreeMap, BTreeSet};

use arch::{Host, Target};

use super::finding::{Finding, Kind};
use super::{Change, Error, Need, Rejected, Request, Resolution};
use crate::elf;
use crate::lock::{BUSYBOX, Lock, Package, Role};

/// The differences between two locks, and those that somebody should look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Every package that differs, by host, QEMU before busybox, then by suite and name.
    pub rows: Vec<Row>,
    /// The findings: more than new versions.
    pub findings: Vec<Finding>,
}

impl Comparison {
    /// True if nothing differs.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.findings.is_empty()
    }
}

/// A package's part in the difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The series that it is in; `None` stands for the newest of each target.
    pub series: Option<String>,
    /// The host.
    pub host: Host,
    /// The suite.
    pub suite: String,
    /// The package.
    pub package: String,
    /// Its version in the old lock.
    pub old: Option<String>,
    /// Its version in the new lock; the same as `old` if only contents or targets differ.
    pub new: Option<String>,
    /// Targets that are taken from it now, and were not.
    pub gained: BTreeSet<Target>,
    /// Targets that were taken from it, and are not.
    pub lost: BTreeSet<Target>,
}

/// Compares what `request` came to with `old`. `changes` are what [`super::check`] found against `old`; without a new
/// lock, the rows are these, too.
pub fn compare(
    request: &Request,
    old: &Lock,
    new: Result<&Resolution, &Error>,
    changes: &[Change],
) -> Comparison {
    let mut found: BTreeMap<Kind, BTreeSet<Host>> = BTreeMap::new();
    for (kind, host) in changes.iter().filter_map(gone) {
        found.entry(kind).or_default().extend(host);
    }
    let mut add = |kind: Kind, host: Host| {
        found.entry(kind).or_default().insert(host);
    };
    let rows = match new {
        Ok(Resolution { lock, rejected, .. }) => {
            // A choice is no event in the archive.
            let (old_by_age, by_age) = (old.without_choices(), lock.without_choices());
            let still = |cell: &(Host, Target, &Package)| {
                by_age.cell(cell.0, cell.1).is_some_and(|package| package.suite == cell.2.suite)
            };
            let not_static = not_static(&old_by_age, rejected, &still);
            not_static.into_iter().for_each(|(kind, host)| add(kind, host));
            let elsewhere_by_age = elsewhere(request, &old_by_age, &by_age);
            elsewhere_by_age.into_iter().for_each(|(kind, host)| add(kind, host));
            chosen(old, lock).into_iter().for_each(|(kind, host)| add(kind, host));
            let mut all = rows(request, None, &old.newest(), &lock.newest());
            for series in series(old, lock) {
                let (old, new) = (old.of_series(&series), lock.of_series(&series));
                for (kind, host) in elsewhere(request, &old, &new) {
                    let series = series.clone();
                    match kind {
                        Kind::Lost { targets } => add(Kind::SeriesLost { series, targets }, host),
                        kind => add(kind, host),
                    }
                }
                all.extend(rows(request, Some(&series), &old, &new));
            }
            all
        }
        Err(error) => {
            if let Error::Missing { missing, rejected, .. } = error {
                not_static(old, rejected, &|_| false).into_iter().for_each(|(kind, host)| add(kind, host));
                let mut lost: BTreeMap<Host, BTreeSet<Target>> = BTreeMap::new();
                for (host, what) in missing {
                    match what {
                        Need::Target(target) => drop(lost.entry(*host).or_default().insert(*target)),
                        Need::Package(BUSYBOX) => add(Kind::NoBusybox, *host),
                        Need::Package(_) => add(Kind::NoLibc, *host),
                    }
                }
                lost.into_iter().for_each(|(host, targets)| add(Kind::Lost { targets }, host));
            }
            changes.iter().flat_map(|change| changed(change, old)).collect()
        }
    };
    let finding =
        |(kind, hosts): (Kind, BTreeSet<Host>)| Finding { kind, hosts: hosts.into_iter().collect() };
    Comparison { rows, findings: found.into_iter().map(finding).collect() }
}

fn gone(change: &Change) -> Option<(Kind, Option<Host>)> {
    match change.clone() {
        Change::SuiteGone { suite } => Some((Kind::SuiteGone { suite }, None)),
        Change::HostGone { suite, host } => Some((Kind::HostGone { suite }, Some(host))),
        Change::PackageGone { suite, host, package } => {
            Some((Kind::PackageGone { suite, package }, Some(host)))
        }
        Change::Version { .. } => None,
    }
}

/// The series that either has.
fn series(old: &Lock, new: &Lock) -> BTreeSet<String> {
    old.series().chain(new.series()).map(str::to_owned).collect()
}

/// A row for each series of `lock` that the package is in.
fn changed(change: &Change, lock: &Lock) -> Vec<Row> {
    let Change::Version { suite, host, package, old, new } = change.clone() else { return Vec::new() };
    let (gained, lost) = Default::default();
    let row = Row { series: None, host, suite, package, old: Some(old), new: Some(new), gained, lost };
    let is_it = |package: &&Package| {
        (package.host, &package.suite, &package.name) == (row.host, &row.suite, &row.package)
    };
    let package = lock.packages().iter().find(is_it);
    let in_series = package.is_some_and(|package| !package.series.is_empty());
    let in_newest = package.is_none_or(Package::is_of_newest);
    let of_series = in_series.then(|| Row { series: Some(row.suite.clone()), ..row.clone() });
    in_newest.then_some(row).into_iter().chain(of_series).collect()
}

/// Cells of `old` that were found again, but not as static programs, and that are not `still` in their suite.
fn not_static(
    old: &Lock,
    rejected: &[Rejected],
    still: &dyn Fn(&(Host, Target, &Package)) -> bool,
) -> Vec<(Kind, Host)> {
    let finding = |rejected: &Rejected| {
        let Rejected { suite, host, package, version, targets } = rejected.clone();
        let concerned = |target: Target| {
            let cell = old.cell(host, target).filter(|locked| locked.suite == suite);
            cell.is_some_and(|locked| !still(&(host, target, locked)))
        };
        let targets: BTreeMap<Target, elf::Error> =
            targets.into_iter().filter(|(target, _)| concerned(*target)).collect();
        let reason = targets.values().next()?.to_string();
        let targets = targets.into_keys().collect();
        Some((Kind::NotStatic { suite, package, version, reason, targets }, host))
    };
    rejected.iter().filter_map(finding).collect()
}

/// The new place of a cell that is not where it was.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum NewPlace<'a> {
    Package { suite: &'a str, from: &'a str, to: &'a str },
    Suite { from: &'a str, to: &'a str, version: &'a str },
    Nowhere,
}

/// The cells that `request` asks for again and that are in another package, in an older suite, or nowhere.
fn elsewhere(request: &Request, old: &Lock, new: &Lock) -> Vec<(Kind, Host)> {
    let place = |suite: &str| request.suites.iter().position(|other| other == suite);
    let mut moves: BTreeMap<(Host, NewPlace<'_>), BTreeSet<Target>> = BTreeMap::new();
    for from in old.packages().iter().filter(|package| request.hosts.contains(&package.host)) {
        for target in from.targets().filter(|target| request.targets.contains(target)) {
            let place_now = match new.cell(from.host, target) {
                None => NewPlace::Nowhere,
                Some(to) if to.suite == from.suite && to.name != from.name => {
                    NewPlace::Package { suite: &to.suite, from: &from.name, to: &to.name }
                }
                Some(to) if place(&to.suite) > place(&from.suite) => {
                    NewPlace::Suite { from: &from.suite, to: &to.suite, version: &to.version }
                }
                Some(_) => continue,
            };
            moves.entry((from.host, place_now)).or_default().insert(target);
        }
    }
    let finding = |((host, place_now), targets): ((Host, NewPlace<'_>), BTreeSet<Target>)| {
        let kind = match place_now {
            NewPlace::Package { suite, from, to } => {
                let (suite, from, to) = (suite.to_owned(), from.to_owned(), to.to_owned());
                Kind::Moved { suite, from, to, targets }
            }
            NewPlace::Suite { from, to, version } => {
                let (from, to, version) = (from.to_owned(), to.to_owned(), version.to_owned());
                Kind::OlderSuite { from, to, version, targets }
            }
            NewPlace::Nowhere => Kind::Lost { targets },
        };
        (kind, host)
    };
    moves.into_iter().map(finding).collect()
}

/// The cells whose choice is another one, by the suite that they were taken from and the one that they are taken from.
fn chosen(old: &Lock, new: &Lock) -> Vec<(Kind, Host)> {
    let mut moves: BTreeMap<(Host, &str, &str, &str), BTreeSet<Target>> = BTreeMap::new();
    for from in old.packages() {
        for target in from.targets() {
            let Some(to) = new.cell(from.host, target).filter(|to| to.suite != from.suite) else { continue };
            let is_choice = |lock: &Lock| lock.passed_over(from.host, target).is_some();
            if is_choice(old) || is_choice(new) {
                let place = (from.host, from.suite.as_str(), to.suite.as_str(), to.version.as_str());
                moves.entry(place).or_default().insert(target);
            }
        }
    }
    let finding = |((host, from, to, version), targets): ((Host, &str, &str, &str), _)| {
        let (from, to, version) = (from.to_owned(), to.to_owned(), version.to_owned());
        (Kind::Chosen { from, to, version, targets }, host)
    };
    moves.into_iter().map(finding).collect()
}

/// The packages of a series that differ.
fn rows(request: &Request, series: Option<&str>, old: &Lock, new: &Lock) -> Vec<Row> {
    // A suite that is no longer asked for comes last.
    let wanted =
        |suite: &str| request.suites.iter().position(|other| other == suite).unwrap_or(request.suites.len());
    let place = |package: &Package| {
        let Package { host, role, suite, name, .. } = package.clone();
        (host, role.rank(), wanted(&suite), suite, name)
    };
    let mut pairs: BTreeMap<_, (Option<&Package>, Option<&Package>)> = BTreeMap::new();
    // What a series has beside QEMU is the newest's.
    let is_in = |package: &&Package| series.is_none() || matches!(package.role, Role::Qemu(_));
    let (olds, news) = (old.packages().iter().filter(is_in), new.packages().iter().filter(is_in));
    olds.for_each(|package| pairs.entry(place(package)).or_default().0 = Some(package));
    news.for_each(|package| pairs.entry(place(package)).or_default().1 = Some(package));
    let targets = |package: Option<&Package>| -> BTreeSet<Target> {
        package.into_iter().flat_map(Package::targets).collect()
    };
    let row = |((host, _, _, suite, name), (old, new)): (_, (Option<&Package>, Option<&Package>))| {
        let (before, after) = (targets(old), targets(new));
        let same = old.map(|package| package.digest) == new.map(|package| package.digest) && before == after;
        let version = |package: &Package| package.version.clone();
        (!same).then(|| Row {
            series: series.map(str::to_owned),
            host,
            suite,
            package: name,
            old: old.map(version),
            new: new.map(version),
            gained: after.difference(&before).copied().collect(),
            lost: before.difference(&after).copied().collect(),
        })
    };
    pairs.into_iter().filter_map(row).collect()
}
