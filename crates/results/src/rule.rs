//! The rule by which results choose among the QEMUs of a cell.
//!
//! One beats another if it passes everything that the other passes, and something at which the other fails. The newest is the
//! default unless an older one beats it; then it is the newest of those that beat it and that none beats in turn. So nobody
//! loses a program by the choice that is known to run without it, and a failure that all share counts for none. Where each passes
//! something that the other does not, the newest stays, and what it lacks is reported.
//!
//! A workload that was not tried is not known to pass: an older QEMU that was tried at less than the newest passes does not beat it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use arch::{Host, Target};

use crate::series::Series;
use crate::system::Results;

/// A QEMU that a cell can be taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its series.
    pub series: Series,
    /// Its version: `7.2.22`.
    pub version: String,
    /// The version of Debian's package, as it is locked.
    pub package: String,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.version, self.series)
    }
}

/// A workload, and the programs that it was tried with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    /// The workload.
    pub workload: String,
    /// The architecture of the programs.
    pub architecture: String,
    /// The suite of the programs.
    pub suite: String,
}

/// An older QEMU next to the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// That QEMU.
    pub qemu: Candidate,
    /// The tests that it passes, and at which the newest fails.
    pub mended: BTreeSet<Test>,
    /// The tests that the newest passes, and at which it fails.
    pub broken: BTreeSet<Test>,
    /// The tests that the newest passes, and at which it was not tried.
    pub untried: BTreeSet<Test>,
}

/// Results of another QEMU than the one that is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The QEMU that is locked.
    pub qemu: Candidate,
    /// The version of the package that was tried.
    pub tried: String,
}

/// The reason of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The newest was not tried.
    Untried,
    /// No older one passes anything at which the newest fails.
    Unbeaten,
    /// An older one passes something at which the newest fails, and not everything that the newest passes.
    Undecided,
    /// An older one beats the newest.
    Beaten,
    /// A maintainer has chosen.
    ByHand,
}

/// The QEMU that a cell is taken from, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// That QEMU.
    pub qemu: Candidate,
    /// The one that it would be by age.
    pub newest: Candidate,
    /// The reason.
    pub reason: Reason,
    /// The older ones that pass something at which the newest fails; the newest of them first.
    pub older: Vec<Older>,
    /// The results that do not count.
    pub stale: Vec<Stale>,
}

impl Choice {
    /// True if it is taken from an older suite than by age.
    pub fn is_older(&self) -> bool {
        self.qemu != self.newest
    }

    /// The reason in words.
    pub fn text(&self) -> String {
        let newest = &self.newest;
        match self.reason {
            Reason::Untried => format!("{newest} was not tried"),
            Reason::Unbeaten => format!("no older one passes anything at which {newest} fails"),
            Reason::ByHand => "images/images.toml says so".to_owned(),
            Reason::Beaten => {
                let chosen = self.older.iter().find(|older| older.qemu == self.qemu);
                let mended = chosen.map(|older| self.names(&older.mended)).unwrap_or_default();
                format!("{} passes all that {newest} passes, and {mended}, at which that fails", self.qemu)
            }
            Reason::Undecided => {
                let texts: Vec<String> = self.older.iter().map(|older| self.undecided(older)).collect();
                texts.join("; ")
            }
        }
    }

    fn undecided(&self, older: &Older) -> String {
        let (mended, newest) = (self.names(&older.mended), &self.newest);
        let mut text = format!("{} passes {mended}, at which {newest} fails", older.qemu);
        if !older.broken.is_empty() {
            text.push_str(&format!(", and fails at {}", self.names(&older.broken)));
        }
        if !older.untried.is_empty() {
            text.push_str(&format!(", and was not tried at {}", self.names(&older.untried)));
        }
        text
    }

    /// Workloads, with the programs that they were tried with if these are not all of one system.
    fn names(&self, tests: &BTreeSet<Test>) -> String {
        let all = self.older.iter().flat_map(|older| [&older.mended, &older.broken, &older.untried]);
        let systems: BTreeSet<_> = all.flatten().map(|test| (&test.architecture, &test.suite)).collect();
        let name = |test: &Test| match systems.len() {
            1 => test.workload.clone(),
            _ => format!("{} for {} ({})", test.workload, test.architecture, test.suite),
        };
        tests.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the results of {} are of {}, and {} is locked",
            self.qemu.series, self.tried, self.qemu.package
        )
    }
}

/// True of a pass, by test.
type Passes = BTreeMap<Test, bool>;

/// Chooses for a cell. `newest` is what it has by age alone; `older` come the newest first.
pub fn choose(
    results: &Results,
    host: Host,
    target: Target,
    newest: &Candidate,
    older: &[Candidate],
) -> Choice {
    let all: Vec<(&Candidate, Passes)> = [newest]
        .into_iter()
        .chain(older)
        .map(|candidate| (candidate, passes(results, host, target, candidate)))
        .collect();
    let (_, first) = &all[0];
    let contenders: Vec<&(&Candidate, Passes)> =
        all.iter().filter(|(_, passes)| std::ptr::eq(passes, first) || beats(passes, first)).collect();
    let is_beaten = |(_, other): &&&(&Candidate, Passes)| all.iter().any(|(_, passes)| beats(passes, other));
    let chosen =
        contenders.iter().find(|contender| !is_beaten(contender)).map_or(newest, |(chosen, _)| *chosen);
    let others = all[1..].iter().map(|(candidate, passes)| compare(candidate, passes, first));
    let others: Vec<Older> = others.filter(|older| !older.mended.is_empty()).collect();
    let reason = match (first.is_empty(), chosen == newest) {
        (true, _) => Reason::Untried,
        (false, false) => Reason::Beaten,
        (false, true) if others.is_empty() => Reason::Unbeaten,
        (false, true) => Reason::Undecided,
    };
    let stale = all.iter().filter_map(|(candidate, _)| stale(results, host, target, candidate)).collect();
    Choice { qemu: chosen.clone(), newest: newest.clone(), reason, older: others, stale }
}

/// The tests of a cell under a QEMU that passed or failed.
fn passes(results: &Results, host: Host, target: Target, candidate: &Candidate) -> Passes {
    let mut passes = Passes::new();
    for (key, system) in results.of(host, target) {
        if system.qemus().get(&candidate.series).is_none_or(|qemu| qemu.package != candidate.package) {
            continue;
        }
        for (workload, cells) in system.workloads() {
            let Some(outcome) = cells.get(&candidate.series).map(|cell| cell.outcome()) else { continue };
            if outcome.is_pass() || outcome.is_failure() {
                let (architecture, suite) = (key.architecture.clone(), key.suite.clone());
                let test = Test { workload: workload.clone(), architecture, suite };
                passes.insert(test, outcome.is_pass());
            }
        }
    }
    passes
}

fn stale(results: &Results, host: Host, target: Target, candidate: &Candidate) -> Option<Stale> {
    let mut tried = results.of(host, target).filter_map(|(_, system)| system.qemus().get(&candidate.series));
    let other = tried.find(|qemu| qemu.package != candidate.package)?;
    Some(Stale { qemu: candidate.clone(), tried: other.package.clone() })
}

fn compare(candidate: &Candidate, passes: &Passes, newest: &Passes) -> Older {
    let of = |is_pass: bool, other: Option<bool>| {
        let is_such =
            |(test, passed): &(&Test, &bool)| **passed == is_pass && passes.get(test).copied() == other;
        newest.iter().filter(is_such).map(|(test, _)| test.clone()).collect()
    };
    Older {
        qemu: candidate.clone(),
        mended: of(false, Some(true)),
        broken: of(true, Some(false)),
        untried: of(true, None),
    }
}

/// True if it passes everything that the other passes, and something at which the other fails. A strict order: what beats one
/// that beats a third beats that, too.
fn beats(passes: &Passes, other: &Passes) -> bool {
    let passed = |test: &Test| passes.get(test) == Some(&true);
    other.iter().all(|(test, is_pass)| !is_pass || passed(test))
        && other.iter().any(|(test, is_pass)| !is_pass && passed(test))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{Key, Qemu};

    /// The results of one architecture: a line for each workload, with its outcomes under 11, 10 and 7. `-` was not tried, and `.` is
    /// a pass.
    fn record(results: &mut Results, host: &str, architecture: &str, lines: &[&str]) {
        let (architecture, suite) = (architecture.to_owned(), "bookworm".to_owned());
        let (host, target) = (host.parse().unwrap(), "arm".parse().unwrap());
        let key = Key { host, target, architecture, suite };
        for line in lines {
            let (workload, outcomes) = line.split_once(' ').unwrap();
            for (series, outcome) in ["newest", "trixie", "bookworm"].into_iter().zip(outcomes.split(' ')) {
                let outcome = if outcome == "." { "pass 1.00" } else { outcome };
                if let Some(cell) = Some(outcome).filter(|outcome| *outcome != "-") {
                    let cell = cell.replace('_', " ").parse().unwrap();
                    results.record(&key, &series.parse().unwrap(), &qemu(series), workload, cell);
                }
            }
        }
    }

    fn qemu(series: &str) -> Qemu {
        let version = match series {
            "newest" => "11.1.3",
            "trixie" => "10.0.13",
            _ => "7.2.22",
        };
        Qemu { version: version.to_owned(), package: format!("1:{version}+ds-1") }
    }

    fn candidate(series: &str) -> Candidate {
        let Qemu { version, package } = qemu(series);
        Candidate { series: series.parse().unwrap(), version, package }
    }

    fn choice(results: &Results, change: impl Fn(&mut Candidate)) -> Choice {
        let mut all = ["newest", "trixie", "bookworm"].map(candidate);
        all.iter_mut().for_each(change);
        let [newest, older @ ..] = &all;
        choose(results, "amd64".parse().unwrap(), "arm".parse().unwrap(), newest, older)
    }

    fn check(lines: &[&str], series: &str, reason: Reason) -> Choice {
        let mut results = Results::default();
        record(&mut results, "amd64", "armhf", lines);
        // Another host's and another target's results choose nothing here.
        record(&mut results, "s390x", "armhf", &["bash crash crash .", "git hang . ."]);
        let choice = choice(&results, |_| {});
        assert_eq!((choice.qemu.series.name(), choice.reason), (series, reason), "{lines:?}");
        assert_eq!(choice.stale, []);
        choice
    }

    #[test]
    fn the_newest_stays_unless_it_is_beaten() {
        use Reason::{Beaten, Unbeaten, Undecided, Untried};
        check(&[], "newest", Untried);
        check(&["bash . . ."], "newest", Unbeaten);
        check(&["bash . . .", "git crash crash hang"], "newest", Unbeaten);
        check(&["bash . . .", "git . crash ."], "newest", Unbeaten);
        check(&["bash . . .", "git crash . ."], "trixie", Beaten);
        check(&["bash . . .", "git crash crash ."], "bookworm", Beaten);
        // Failures of all count for none, whichever they are.
        check(&["bash . . .", "git crash . .", "perl wrong hang crash"], "trixie", Beaten);
        // Both beat the newest, and the older one beats the other.
        check(&["bash . . .", "git hang . .", "perl wrong wrong ."], "bookworm", Beaten);
        // Both beat it, neither the other: the newer.
        check(&["bash . . .", "git crash . wrong", "perl crash wrong ."], "trixie", Beaten);
        // Today's i386: each passes something that the other does not.
        check(&["bash . . .", "cancel crash crash .", "noreplace . . wrong"], "newest", Undecided);
        // One is undecided, and another is better.
        check(&["git crash . .", "noreplace . wrong ."], "bookworm", Beaten);
        check(&["git crash . .", "noreplace . . wrong"], "trixie", Beaten);
    }

    #[test]
    fn what_was_not_tried_is_not_known_to_pass() {
        use Reason::{Beaten, Unbeaten, Undecided, Untried};
        // Older ones were tried at what the newest fails at, and at nothing else.
        let choice = check(&["bash . - -", "git crash . ."], "newest", Undecided);
        let untried: Vec<&str> = choice.older[0].untried.iter().map(|test| test.workload.as_str()).collect();
        assert_eq!(untried, ["bash"]);
        check(&["bash . - .", "git crash . ."], "bookworm", Beaten);
        check(&["git crash . ."], "trixie", Beaten);
        check(&["bash - . .", "git - . ."], "newest", Untried);
        check(&["bash - . .", "git . crash ."], "newest", Unbeaten);
        // The suite of the programs lacks them.
        check(&["bash . . .", "node absent absent absent"], "newest", Unbeaten);
        check(&["node absent absent absent"], "newest", Untried);
        check(&["bash . . .", "git crash . .", "node . absent absent"], "newest", Undecided);
        // A slow pass is a pass.
        check(&["bash . slow_9.00 .", "git crash . crash"], "trixie", Beaten);
        check(&["bash slow_9.00 . .", "git . . ."], "newest", Unbeaten);
    }

    #[test]
    fn a_choice_says_what_older_ones_pass_and_fail() {
        let lines = ["bash . . .", "cancel crash crash .", "noreplace . . wrong", "perl hang . hang"];
        let choice = check(&lines, "trixie", Reason::Beaten);
        let names =
            |tests: &BTreeSet<Test>| tests.iter().map(|test| test.workload.clone()).collect::<Vec<_>>();
        let older = choice.older.iter();
        let shown: Vec<_> = older
            .map(|older| (older.qemu.series.name(), names(&older.mended), names(&older.broken)))
            .collect();
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            shown,
            [("trixie", list(&["perl"]), list(&[])), ("bookworm", list(&["cancel"]), list(&["noreplace"])),]
        );
    }

    #[test]
    fn the_reason_is_said() {
        let said = |lines: &[&str]| {
            let mut results = Results::default();
            record(&mut results, "amd64", "armhf", lines);
            choice(&results, |_| {}).text()
        };
        assert_eq!(said(&[]), "11.1.3 (newest) was not tried");
        assert_eq!(said(&["bash . . ."]), "no older one passes anything at which 11.1.3 (newest) fails");
        assert_eq!(
            said(&["bash . . .", "git crash . .", "perl hang . hang"]),
            "10.0.13 (trixie) passes all that 11.1.3 (newest) passes, and git, perl, at which that fails"
        );
        assert_eq!(
            said(&["bash . - .", "cancel crash . .", "noreplace . . wrong"]),
            "10.0.13 (trixie) passes cancel, at which 11.1.3 (newest) fails, and was not tried at bash; \
             7.2.22 (bookworm) passes cancel, at which 11.1.3 (newest) fails, and fails at noreplace"
        );
        let mut results = Results::default();
        record(&mut results, "amd64", "armhf", &["bash . . .", "git crash . ."]);
        record(&mut results, "amd64", "armel", &["git crash . ."]);
        let text = choice(&results, |_| {}).text();
        assert!(text.contains(" and git for armel (bookworm), git for armhf (bookworm), at "), "{text}");
    }

    #[test]
    fn all_architectures_of_a_target_count() {
        let mut results = Results::default();
        record(&mut results, "amd64", "armhf", &["bash . . .", "git crash . ."]);
        assert_eq!(choice(&results, |_| {}).qemu.series.name(), "trixie");
        record(&mut results, "amd64", "armel", &["bash . crash ."]);
        let choice = choice(&results, |_| {});
        assert_eq!((choice.qemu.series.name(), choice.reason), ("bookworm", Reason::Beaten));
        assert_eq!(choice.older[0].broken.first().unwrap().architecture, "armel");
    }

    #[test]
    fn results_of_another_qemu_do_not_count() {
        let mut results = Results::default();
        record(&mut results, "amd64", "armhf", &["bash . . .", "git crash . ."]);
        let locked = |series: &'static str| {
            choice(&results, move |candidate| {
                if candidate.series.name() == series {
                    candidate.package.push_str("-2");
                }
            })
        };
        let stale = |series: &str| {
            let (tried, qemu) = (candidate(series).package, candidate(series));
            [Stale { qemu: Candidate { package: format!("{tried}-2"), ..qemu }, tried }]
        };
        let newest = locked("newest");
        assert_eq!((newest.qemu.series.name(), newest.reason), ("newest", Reason::Untried));
        assert_eq!(newest.stale, stale("newest"));
        let trixie = locked("trixie");
        assert_eq!((trixie.qemu.series.name(), trixie.reason), ("bookworm", Reason::Beaten));
        assert_eq!(trixie.stale, stale("trixie"));
    }
}
