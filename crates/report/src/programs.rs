//! The outcomes of real programs under each QEMU that images can be had with, and what was chosen by them.

use std::collections::{BTreeMap, BTreeSet};

use arch::{Host, Target};
use debian::lock::{Lock, NEWEST};
use results::{Cell, Choice, Choices, Key, Outcome, Reason, Results, Series, Total};
use serde::Serialize;

/// The outcomes, by the system that the programs are of.
#[derive(Debug, Default, Serialize)]
pub struct Programs {
    /// The series that any of them was tried under, the oldest first.
    pub series: Vec<String>,
    /// The systems.
    pub systems: Vec<System>,
}

/// The programs of one architecture of Debian, on one host.
#[derive(Debug, Serialize)]
pub struct System {
    pub host: String,
    pub target: String,
    /// Debian's name of the programs' architecture.
    pub architecture: String,
    /// The suite of the programs.
    pub suite: String,
    /// In the order of the series; `None` for one that it was not tried under.
    pub qemus: Vec<Option<Qemu>>,
    pub workloads: Vec<Workload>,
    /// The choice for the cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Chosen>,
}

/// A QEMU that a system was tried under.
#[derive(Debug, Serialize)]
pub struct Qemu {
    pub series: String,
    pub version: String,
    /// The version of Debian's package.
    pub package: String,
    /// The lock has another one by now: the outcomes choose nothing.
    pub stale: bool,
    /// Tags without a version stand for it.
    pub default: bool,
    /// The number of workloads that pass,
    pub passes: usize,
    /// of so many that were tried.
    pub tried: usize,
    /// The seconds of all that pass under each QEMU of the system under which any does, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The multiple of the fastest's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<f64>,
}

/// A workload.
#[derive(Debug, Serialize)]
pub struct Workload {
    pub name: String,
    /// In the order of the series; `None` where it was not tried.
    pub outcomes: Vec<Option<Tried>>,
}

/// The outcome of a workload under a QEMU.
#[derive(Debug, Serialize)]
pub struct Tried {
    pub outcome: Outcome,
    /// The user time of a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The multiple of the fastest's, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<f64>,
}

/// The choice of a cell's QEMU.
#[derive(Debug, Clone, Serialize)]
pub struct Chosen {
    pub series: String,
    pub version: String,
    /// `untried`, `unbeaten`, `undecided`, `beaten` or `by-hand`.
    pub reason: &'static str,
    /// The lock has it. Without, it was made before what this is chosen by.
    pub locked: bool,
    /// The lock has an older one than the newest.
    pub older: bool,
    /// The reason in words.
    pub text: String,
    /// The results that do not count, in words.
    pub stale: Vec<String>,
}

impl Chosen {
    /// The choice for a cell of `lock`, unless nothing was tried or chosen.
    pub(crate) fn new(choice: &Choice, lock: &Lock, host: Host, target: Target) -> Option<Chosen> {
        let reason = match choice.reason {
            Reason::Untried if choice.stale.is_empty() => return None,
            Reason::Untried => "untried",
            Reason::Unbeaten => "unbeaten",
            Reason::Undecided => "undecided",
            Reason::Beaten => "beaten",
            Reason::ByHand => "by-hand",
        };
        let default = default(lock, host, target);
        let is_locked = choice.qemu.series.name() == default;
        let not_yet = if is_locked { "" } else { "; the lock was made before that" };
        Some(Chosen {
            series: choice.qemu.series.name().to_owned(),
            version: choice.qemu.version.clone(),
            reason,
            locked: is_locked,
            older: default != NEWEST,
            text: choice.text() + not_yet,
            stale: choice.stale.iter().map(ToString::to_string).collect(),
        })
    }
}

/// The name of the series that a cell of the lock is taken from.
fn default(lock: &Lock, host: Host, target: Target) -> &str {
    let chosen = lock.passed_over(host, target).and(lock.cell(host, target));
    chosen.map_or(NEWEST, |package| &package.suite)
}

impl Programs {
    /// All of `results`. `choices` are those for `lock`.
    pub(crate) fn new(lock: &Lock, results: &Results, choices: &Choices) -> Programs {
        let tried: BTreeSet<&Series> =
            results.systems().values().flat_map(|system| system.qemus().keys()).collect();
        let mut series: Vec<&Series> = tried.into_iter().collect();
        // Suites are in the order of preference, and the newest is before all of them.
        let place = |series: &Series| {
            let place = lock.suites().iter().position(|suite| suite.name == series.name());
            if series.name() == NEWEST { 0 } else { place.map_or(usize::MAX, |place| place + 1) }
        };
        series.sort_by_key(|series| std::cmp::Reverse(place(series)));
        let system = |(key, system)| self::system(key, system, &series, lock, choices);
        Programs {
            systems: results.systems().iter().map(system).collect(),
            series: series.iter().map(|series| series.name().to_owned()).collect(),
        }
    }
}

fn system(key: &Key, system: &results::System, series: &[&Series], lock: &Lock, choices: &Choices) -> System {
    let default = lock.cell(key.host, key.target).map(|_| default(lock, key.host, key.target));
    let choice = choices.cells().get(&(key.host, key.target));
    let totals = system.totals();
    let user = |total: &Total| total.user.map(|user| user.as_secs_f64());
    let best = least(totals.values().filter_map(user));
    let qemu = |series: &&Series| {
        let qemu = system.qemus().get(series)?;
        let total = totals.get(series)?;
        Some(Qemu {
            series: series.name().to_owned(),
            version: qemu.version.clone(),
            package: qemu.package.clone(),
            stale: choice
                .is_some_and(|choice| choice.stale.iter().any(|stale| stale.qemu.series == **series)),
            default: default == Some(series.name()),
            passes: total.passed,
            tried: total.tried,
            seconds: user(total),
            times: times(user(total), best),
        })
    };
    let workload = |(name, cells): (&String, &BTreeMap<Series, Cell>)| {
        let seconds = |cell: &Cell| cell.user().map(|user| user.as_secs_f64());
        let all: Vec<f64> = cells.values().filter_map(seconds).collect();
        let best = least(all.iter().copied()).filter(|_| all.len() > 1);
        let tried = |cell: &Cell| Tried {
            outcome: cell.outcome(),
            seconds: seconds(cell),
            times: times(seconds(cell), best),
        };
        Workload {
            name: name.clone(),
            outcomes: series.iter().map(|series| cells.get(series).map(tried)).collect(),
        }
    };
    System {
        host: key.host.name().to_owned(),
        target: key.target.name().to_owned(),
        architecture: key.architecture.clone(),
        suite: key.suite.clone(),
        qemus: series.iter().map(qemu).collect(),
        workloads: system.workloads().iter().map(workload).collect(),
        choice: choice.and_then(|choice| Chosen::new(choice, lock, key.host, key.target)),
    }
}

fn least(seconds: impl Iterator<Item = f64>) -> Option<f64> {
    seconds.min_by(f64::total_cmp).filter(|best| *best > 0.0)
}

/// The multiple of the best that this is, with two decimals.
fn times(seconds: Option<f64>, best: Option<f64>) -> Option<f64> {
    Some((seconds? / best? * 100.0).round() / 100.0)
}
