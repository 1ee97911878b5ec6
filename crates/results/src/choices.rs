//! The choice for each cell of a lock.

use std::collections::{BTreeMap, BTreeSet};

use arch::{Host, Target};
use debian::QemuVersion;
use debian::lock::{Inconsistent, Lock, Package};

use crate::rule::{self, Candidate, Choice, Reason};
use crate::series::Series;
use crate::system::Results;

/// A maintainer's choice for a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByHand<'a> {
    /// The series.
    pub series: &'a str,
    /// True if it is for this host alone: then the series has to have it.
    pub is_exact: bool,
}

/// The choice for each cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices(BTreeMap<(Host, Target), Choice>);

/// Chooses for each cell of `lock`, whatever was chosen when that was made.
pub fn choices<'a>(
    lock: &Lock,
    results: &Results,
    by_hand: impl Fn(Host, Target) -> Option<ByHand<'a>>,
) -> Choices {
    let lock = lock.without_choices();
    let place = |package: &Package| lock.suites().iter().position(|suite| suite.name == package.suite);
    let series: Vec<(&str, Lock)> = lock.series().map(|name| (name, lock.of_series(name))).collect();
    let mut choices = BTreeMap::new();
    for package in lock.packages() {
        let host = package.host;
        for target in package.targets() {
            let candidate =
                |series: Series, package: &Package| candidate(results, host, target, series, package);
            let newest = candidate(Series::newest(), package);
            let older = series.iter().filter_map(|(name, lock)| {
                let older = lock.cell(host, target).filter(|older| place(older) > place(package))?;
                Some(candidate(Series::locked(name), older))
            });
            let older: Vec<Candidate> = older.collect();
            let mut choice = rule::choose(results, host, target, &newest, &older);
            if let Some(ByHand { series, is_exact }) = by_hand(host, target) {
                let mut all = older.into_iter().chain([newest.clone()]);
                // The newest may be that of the series.
                let is_it = |candidate: &Candidate| candidate.series.name() == series;
                let is_newest = package.suite == series;
                match all.find(|candidate| is_it(candidate)).or(is_newest.then_some(newest)) {
                    Some(qemu) => (choice.qemu, choice.reason) = (qemu, Reason::ByHand),
                    // That it has none is said when a lock is made with it.
                    None if is_exact => {
                        choice.qemu.series = Series::locked(series);
                        choice.reason = Reason::ByHand;
                    }
                    None => {}
                }
            }
            choices.insert((host, target), choice);
        }
    }
    Choices(choices)
}

/// The QEMU of a package, with the version that it has said it has, or else that of the package.
fn candidate(results: &Results, host: Host, target: Target, series: Series, package: &Package) -> Candidate {
    let mut tried = results.of(host, target).filter_map(|(_, system)| system.qemus().get(&series));
    let version = match tried.find(|qemu| qemu.package == package.version) {
        Some(qemu) => qemu.version.clone(),
        None => upstream(&package.version),
    };
    Candidate { series, version, package: package.version.clone() }
}

/// The version of QEMU out of that of its package, as far as that says it: `11.1.3`, `7.2`.
fn upstream(package: &str) -> String {
    let upstream = package.split_once(':').map_or(package, |(_, rest)| rest);
    let end = upstream.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(upstream.len());
    match QemuVersion::of_package(package) {
        Some(_) => upstream[..end].to_owned(),
        None => package.to_owned(),
    }
}

impl Choices {
    /// Each cell with its choice.
    pub fn cells(&self) -> &BTreeMap<(Host, Target), Choice> {
        &self.0
    }

    /// `lock`, of which they are, with them. Fails if one that was made by hand is of a series that does not have the cell.
    pub fn lock(&self, lock: &Lock) -> Result<Lock, Inconsistent> {
        let older = self.0.iter().filter(|(_, choice)| choice.qemu.series != choice.newest.series);
        let older = older.map(|(cell, choice)| (*cell, choice.qemu.series.name().to_owned()));
        lock.with_choices(&older.collect())
    }

    /// The cells that are not of the newest QEMU, and the results that do not count: a line for each host and reason.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: BTreeMap<(Host, String), BTreeSet<&str>> = BTreeMap::new();
        for ((host, target), choice) in &self.0 {
            let older = || format!("{}, not {}: {}", choice.qemu, choice.newest, choice.text());
            let stale = choice.stale.iter().map(ToString::to_string);
            for text in choice.is_older().then(older).into_iter().chain(stale) {
                lines.entry((*host, text)).or_default().insert(target.name());
            }
        }
        let line = |((host, text), targets): ((Host, String), BTreeSet<&str>)| {
            format!("{} for {host}: {text}", targets.into_iter().collect::<Vec<_>>().join(", "))
        };
        lines.into_iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{Key, Qemu};

    /// The committed lock, as it would be without results.
    fn lock() -> Lock {
        Lock::parse(include_str!("../../../images/debian.lock")).unwrap().without_choices()
    }

    fn host(name: &str) -> Host {
        name.parse().unwrap()
    }

    fn target(name: &str) -> Target {
        name.parse().unwrap()
    }

    /// `git` crashes for i386 on amd64 under the newest alone.
    fn results(lock: &Lock) -> Results {
        let cell = (host("amd64"), target("i386"));
        let (architecture, suite) = ("i386".to_owned(), "bookworm".to_owned());
        let key = Key { host: cell.0, target: cell.1, architecture, suite };
        let mut results = Results::default();
        for (series, git) in [("newest", "crash"), ("trixie", "pass 1.00"), ("bookworm", "pass 2.00")] {
            let of_series = if series == "newest" { lock.newest() } else { lock.of_series(series) };
            let package = of_series.cell(cell.0, cell.1).unwrap().version.clone();
            let qemu = Qemu { version: format!("{series}'s"), package };
            for (workload, outcome) in [("bash", "pass 1.00"), ("git", git)] {
                results.record(&key, &series.parse().unwrap(), &qemu, workload, outcome.parse().unwrap());
            }
        }
        results
    }

    fn by_hand(series: &'static str, is_exact: bool) -> impl Fn(Host, Target) -> Option<ByHand<'static>> {
        move |_, other| (other == target("i386")).then_some(ByHand { series, is_exact })
    }

    /// The suite and the reason of i386 on a host.
    fn chosen(choices: &Choices, lock: &Lock, name: &str) -> (String, Reason) {
        let cell = (host(name), target("i386"));
        let suite = choices.lock(lock).unwrap().cell(cell.0, cell.1).unwrap().suite.clone();
        (suite, choices.cells()[&cell].reason)
    }

    #[test]
    fn a_regression_moves_its_cell_and_no_other() {
        let lock = lock();
        let none = choices(&lock, &Results::default(), |_, _| None);
        assert_eq!(none.lock(&lock).unwrap(), lock);
        assert!(none.cells().values().all(|choice| choice.reason == Reason::Untried && !choice.is_older()));
        // As many as the lock has.
        let cells: usize = lock
            .hosts()
            .into_iter()
            .flat_map(|host| lock.qemu(host))
            .map(|package| package.targets().count())
            .sum();
        assert_eq!(none.cells().len(), cells);

        let choices = choices(&lock, &results(&lock), |_, _| None);
        let made = choices.lock(&lock).unwrap();
        assert_eq!(chosen(&choices, &lock, "amd64"), ("trixie".to_owned(), Reason::Beaten));
        for (host, target) in none.cells().keys() {
            let is_it = (host.name(), target.name()) == ("amd64", "i386");
            assert_eq!(made.passed_over(*host, *target).is_some(), is_it, "{target} for {host}");
            let [suite, before] = [&made, &lock].map(|lock| &lock.cell(*host, *target).unwrap().suite);
            assert!(is_it || suite == before, "{target} for {host}");
        }
        let choice = &choices.cells()[&(host("amd64"), target("i386"))];
        assert_eq!(
            choice.text(),
            "trixie's (trixie) passes all that newest's (newest) passes, and git, at which that fails"
        );
        // The same of the lock that was made by it.
        assert_eq!(super::choices(&made, &results(&lock), |_, _| None), choices);
        assert_eq!(choices.lock(&made).unwrap(), made);
    }

    #[test]
    fn results_of_another_package_choose_nothing() {
        let lock = lock();
        let (host, target) = (host("amd64"), target("i386"));
        let package = lock.cell(host, target).unwrap().version.clone();
        let text = results(&lock).to_string().replace(&package, "1:1.0");
        let choices = choices(&lock, &Results::parse(&text).unwrap(), |_, _| None);
        assert_eq!(choices.lock(&lock).unwrap(), lock);
        let choice = &choices.cells()[&(host, target)];
        assert_eq!(choice.reason, Reason::Untried);
        let stale: Vec<String> = choice.stale.iter().map(ToString::to_string).collect();
        assert_eq!(stale, [format!("the results of newest are of 1:1.0, and {package} is locked")]);
        // The version that they have said is of another one, too.
        assert_eq!(choice.newest.version, upstream(&package));
    }

    #[test]
    fn a_maintainer_overrules_results() {
        let lock = lock();
        let of = |series, is_exact| choices(&lock, &results(&lock), by_hand(series, is_exact));
        let newest = lock.cell(host("amd64"), target("i386")).unwrap().suite.clone();
        assert_eq!(chosen(&of("newest", false), &lock, "amd64"), (newest, Reason::ByHand));
        let bookworm = of("bookworm", false);
        for host in ["amd64", "s390x", "i386"] {
            assert_eq!(chosen(&bookworm, &lock, host), ("bookworm".to_owned(), Reason::ByHand), "{host}");
        }
        // A host that bookworm does not have keeps what it had, unless it was named.
        let (before, reason) = chosen(&of("newest", false), &lock, "loong64");
        assert_eq!(chosen(&bookworm, &lock, "loong64"), (before, Reason::Untried));
        assert_eq!(reason, Reason::ByHand);
        let error = of("bookworm", true).lock(&lock).unwrap_err().to_string();
        assert_eq!(error, "series `bookworm` has no target `i386` for host `riscv64`");
    }

    #[test]
    fn a_version_is_as_much_as_the_package_says() {
        for (package, expected) in [
            ("1:11.1.3+ds-1", "11.1.3"),
            ("1:7.2+dfsg-7+deb12u18", "7.2"),
            ("1:10.0~rc1-1", "10.0"),
            ("odd", "odd"),
        ] {
            assert_eq!(upstream(package), expected);
        }
    }
}
