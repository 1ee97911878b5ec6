//! The results themselves: systems, their QEMUs, and what came of each workload.

use std::collections::BTreeMap;

use arch::{Host, Target};

use crate::outcome::Cell;
use crate::series::Series;

/// The programs of one architecture of one suite, on one host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The machine that QEMU is for.
    pub host: Host,
    /// The target that QEMU runs the programs as.
    pub target: Target,
    /// The architecture of the programs, as Debian names it: `armhf`. A target may be that of several.
    pub architecture: String,
    /// The suite of the programs.
    pub suite: String,
}

/// A QEMU that programs ran under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qemu {
    /// Its version, as it says it: `7.2.22`.
    pub version: String,
    /// The version of Debian's package: `1:7.2+dfsg-7+deb12u18`. Another package is another QEMU.
    pub package: String,
}

/// The results of one system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct System {
    pub(crate) qemus: BTreeMap<Series, Qemu>,
    /// By workload. Every series in it is in `qemus`.
    pub(crate) workloads: BTreeMap<String, BTreeMap<Series, Cell>>,
}

impl System {
    /// The QEMU of each series that was tried.
    pub fn qemus(&self) -> &BTreeMap<Series, Qemu> {
        &self.qemus
    }

    /// The outcome of each workload, by series.
    pub fn workloads(&self) -> &BTreeMap<String, BTreeMap<Series, Cell>> {
        &self.workloads
    }
}

/// All results of all systems.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Results {
    pub(crate) systems: BTreeMap<Key, System>,
}

impl Results {
    /// The systems, sorted.
    pub fn systems(&self) -> &BTreeMap<Key, System> {
        &self.systems
    }

    /// The systems of a host and a target.
    pub fn of(&self, host: Host, target: Target) -> impl Iterator<Item = (&Key, &System)> {
        self.systems.iter().filter(move |(key, _)| (key.host, key.target) == (host, target))
    }

    /// Adds the outcome of one workload, in place of an older one. The results of another QEMU of the same series and system go:
    /// nothing is known of how this one does at them.
    pub fn record(&mut self, key: &Key, series: &Series, qemu: &Qemu, workload: &str, cell: Cell) {
        let system = self.systems.entry(key.clone()).or_default();
        if system.qemus.get(series) != Some(qemu) {
            system.workloads.values_mut().for_each(|cells| cells.retain(|other, _| other != series));
            system.workloads.retain(|_, cells| !cells.is_empty());
            system.qemus.insert(series.clone(), qemu.clone());
        }
        system.workloads.entry(workload.to_owned()).or_default().insert(series.clone(), cell);
    }

    /// Adds all of `newer`, each as [`Results::record`] does.
    pub fn merge(&mut self, newer: &Results) {
        for (key, system) in &newer.systems {
            for (workload, cells) in &system.workloads {
                for (series, cell) in cells {
                    self.record(key, series, &system.qemus[series], workload, *cell);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [&str; 4] = ["amd64", "aarch64", "arm64", "bookworm"];

    fn key([host, target, architecture, suite]: [&str; 4]) -> Key {
        let (architecture, suite) = (architecture.to_owned(), suite.to_owned());
        Key { host: host.parse().unwrap(), target: target.parse().unwrap(), architecture, suite }
    }

    /// Each result is a series, its QEMU, a workload and its outcome.
    fn results(key: &Key, all: &[[&str; 4]]) -> Results {
        let mut results = Results::default();
        for [series, version, workload, cell] in all {
            let qemu = Qemu { version: (*version).to_owned(), package: format!("1:{version}+ds-1") };
            results.record(key, &series.parse().unwrap(), &qemu, workload, cell.parse().unwrap());
        }
        results
    }

    fn shown(results: &Results, key: &Key) -> Vec<String> {
        let system = &results.systems()[key];
        let cell =
            |(series, cell): (&Series, &Cell)| format!("{series} {} {cell}", system.qemus()[series].version);
        let line = |(workload, cells): (&String, &BTreeMap<Series, Cell>)| {
            format!("{workload}: {}", cells.iter().map(cell).collect::<Vec<_>>().join(", "))
        };
        system.workloads().iter().map(line).collect()
    }

    #[test]
    fn what_ran_again_takes_the_place_of_what_was_there() {
        let key = key(KEY);
        let check = |newer: &[[&str; 4]], expected: &[&str]| {
            let old = [
                ["newest", "11.1.3", "bash", "pass 1.00"],
                ["newest", "11.1.3", "git", "crash"],
                ["trixie", "10.0.13", "bash", "pass 2.00"],
            ];
            let mut merged = results(&key, &old);
            merged.merge(&results(&key, newer));
            assert_eq!(shown(&merged, &key), expected);
        };
        check(&[], &["bash: newest 11.1.3 pass 1.00, trixie 10.0.13 pass 2.00", "git: newest 11.1.3 crash"]);
        check(
            &[["newest", "11.1.3", "git", "pass 3.00"], ["newest", "11.1.3", "perl", "hang"]],
            &[
                "bash: newest 11.1.3 pass 1.00, trixie 10.0.13 pass 2.00",
                "git: newest 11.1.3 pass 3.00",
                "perl: newest 11.1.3 hang",
            ],
        );
        // Another QEMU: nothing is known of how it does at the rest.
        check(
            &[["newest", "11.1.4", "bash", "pass 3.00"]],
            &["bash: newest 11.1.4 pass 3.00, trixie 10.0.13 pass 2.00"],
        );
        check(
            &[["bookworm", "7.2.22", "bash", "wrong"]],
            &[
                "bash: bookworm 7.2.22 wrong, newest 11.1.3 pass 1.00, trixie 10.0.13 pass 2.00",
                "git: newest 11.1.3 crash",
            ],
        );
    }

    #[test]
    fn another_system_is_left_as_it_is() {
        let mut merged = Results::default();
        let keys = [
            KEY,
            ["s390x", "aarch64", "arm64", "bookworm"],
            ["amd64", "arm", "armel", "bookworm"],
            ["amd64", "arm", "armhf", "bookworm"],
            ["amd64", "aarch64", "arm64", "trixie"],
        ]
        .map(key);
        for (place, key) in keys.iter().enumerate() {
            merged.merge(&results(key, &[["newest", &place.to_string(), "bash", "crash"]]));
        }
        assert_eq!(merged.systems().len(), keys.len());
        for (place, key) in keys.iter().enumerate() {
            assert_eq!(shown(&merged, key), [format!("bash: newest {place} crash")]);
        }
    }
}
