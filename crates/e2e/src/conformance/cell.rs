//! One workload of one system under one QEMU, with what came of it.

use std::time::Duration;

use results::Outcome as Kind;

use super::known::Known;
use super::qemu::Qemu;
use super::rows::System;

/// A workload of a system under a QEMU.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) system: System,
    pub(super) workload: &'static str,
    pub(super) qemu: Qemu,
    pub(super) result: Outcome,
    /// The failure that is known of it.
    pub(super) known: Option<Known>,
}

/// The outcome of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It ran.
    Ran {
        kind: Kind,
        /// Of all but a pass.
        reason: Option<String>,
        /// The time of processors in programs.
        user: Duration,
        elapsed: Duration,
    },
    /// The suite lacks a package that it needs.
    Absent(String),
    /// It could not be tried.
    Failed(String),
}

impl Cell {
    /// Its place in messages.
    pub(super) fn place(&self) -> String {
        format!("{} for {} under {}", self.workload, self.system.name(), self.qemu.label())
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        match self.result {
            Outcome::Ran { kind, .. } => Some(kind),
            Outcome::Absent(_) | Outcome::Failed(_) => None,
        }
    }

    /// The reason why it is none of those that are as they should be, unless it is known.
    pub(super) fn failure(&self) -> Option<&str> {
        match &self.result {
            Outcome::Ran { kind, reason, .. } if kind.is_failure() => {
                let is_known = self.known.as_ref().is_some_and(|known| known.has(*kind));
                if is_known { None } else { reason.as_deref() }
            }
            Outcome::Failed(reason) => Some(reason),
            Outcome::Ran { .. } | Outcome::Absent(_) => None,
        }
    }

    /// The known failure that is none any more.
    pub(super) fn mended(&self) -> Option<&Known> {
        self.known.as_ref().filter(|_| self.kind().is_some_and(Kind::is_pass))
    }

    /// The user time of one that was as it should be.
    pub(super) fn time(&self) -> Option<Duration> {
        match self.result {
            Outcome::Ran { kind, user, .. } if kind.is_pass() => Some(user),
            _ => None,
        }
    }
}

/// A pass that takes so many times the user time of the best is slow,
const SLOW: u32 = 3;

/// and takes so much more: below that, it is the start of programs that is compared.
const SLOWER: Duration = Duration::from_secs(1);

/// Marks the passes that are slow; `cells` are of one workload of one system.
pub(super) fn mark_slow(cells: &mut [Cell]) {
    let Some(best) = cells.iter().filter_map(Cell::time).min() else { return };
    for cell in cells {
        if let Outcome::Ran { kind: kind @ Kind::Pass, reason, user, .. } = &mut cell.result
            && *user >= best * SLOW
            && *user >= best + SLOWER
        {
            *kind = Kind::Slow;
            *reason = Some(format!("{:.1} s, and the best {:.1} s", user.as_secs_f64(), best.as_secs_f64()));
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::conformance::rows;

    /// A cell of `bash` for arm64.
    pub(in crate::conformance) fn cell(qemu: &str, kind: Kind, milliseconds: u64) -> Cell {
        let native = "amd64".parse().unwrap();
        let system = rows::select(&["arm64".to_owned()], false, None, native).unwrap().remove(0);
        let user = Duration::from_millis(milliseconds);
        let reason = (kind != Kind::Pass).then(|| "because".to_owned());
        let result = Outcome::Ran { kind, reason, user, elapsed: user * 2 };
        let [version, package] = ["7.2.22", "1:7.2+dfsg-7"].map(|text| Some(text.to_owned()));
        let qemu = Qemu { name: qemu.to_owned(), version, package, cpu: None };
        Cell { system, workload: "bash", qemu, result, known: None }
    }

    #[test]
    fn a_multiple_of_the_best_time_is_slow() {
        let check = |times: &[u64], expected: &[Kind]| {
            let mut cells: Vec<Cell> = times.iter().map(|time| cell("a", Kind::Pass, *time)).collect();
            cells.push(cell("broken", Kind::Crash, 1));
            mark_slow(&mut cells);
            let kinds: Vec<Kind> = cells.iter().filter_map(Cell::kind).collect();
            assert_eq!(kinds, [expected, &[Kind::Crash]].concat(), "{times:?}");
        };
        check(&[500, 1500], &[Kind::Pass, Kind::Slow]);
        check(&[500, 1499], &[Kind::Pass, Kind::Pass]);
        check(&[100, 900], &[Kind::Pass, Kind::Pass]);
        check(&[9000, 3000, 4000], &[Kind::Slow, Kind::Pass, Kind::Pass]);
        check(&[], &[]);
    }

    #[test]
    fn what_is_slow_or_absent_is_no_failure() {
        assert_eq!(cell("a", Kind::Slow, 1).failure(), None);
        assert_eq!(cell("a", Kind::Hang, 1).failure(), Some("because"));
        let absent = Cell { result: Outcome::Absent("none".to_owned()), ..cell("a", Kind::Pass, 1) };
        assert_eq!(absent.failure(), None);
        let failed = Cell { result: Outcome::Failed("no package".to_owned()), ..absent };
        assert_eq!(failed.failure(), Some("no package"));
    }
}
