//! The part of the results that is recorded in `images/conformance.toml`, and what is another one than there.

use std::time::Duration;

use arch::Host;
use results::{Key, Outcome as Kind, Qemu, Results, Series};

use super::cell::{Cell, Outcome};

/// The results that can be recorded of programs that ran on `native`.
pub(super) fn of(cells: &[Cell], native: Host) -> Results {
    let mut results = Results::default();
    for (cell, recordable) in cells.iter().filter_map(|cell| Some((cell, Recordable::of(cell, native)?))) {
        let Recordable { key, series, qemu, outcome } = recordable;
        results.record(&key, &series, &qemu, cell.workload, outcome);
    }
    results
}

/// A line for each outcome that is another one than in `recorded`, where an older QEMU of the same series counts, too.
pub(super) fn changes(cells: &[Cell], native: Host, recorded: &Results) -> Vec<String> {
    let change = |cell: &Cell| {
        let Recordable { key, series, outcome, .. } = Recordable::of(cell, native)?;
        let system = recorded.systems().get(&key)?;
        let before = system.workloads().get(cell.workload)?.get(&series)?.outcome();
        let (word, now) = match (before.is_pass(), outcome.outcome().is_pass()) {
            // Slow is by comparison with the other QEMUs of a run.
            (true, true) => return None,
            (false, false) if before == outcome.outcome() => return None,
            (true, false) => ("regression", outcome.outcome()),
            (false, true) => ("mended", outcome.outcome()),
            (false, false) => ("changed", outcome.outcome()),
        };
        let version = &system.qemus().get(&series)?.version;
        Some(format!("{word}: {}: {now}; recorded is {before}, of {version}", cell.place()))
    };
    cells.iter().filter_map(change).collect()
}

/// A cell as it is recorded.
struct Recordable {
    key: Key,
    series: Series,
    qemu: Qemu,
    outcome: results::Cell,
}

impl Recordable {
    /// `None` of a QEMU that is not Debian's or has a CPU model that is not its own choice, and of what could not be tried.
    fn of(cell: &Cell, native: Host) -> Option<Recordable> {
        let (outcome, user) = match &cell.result {
            Outcome::Ran { kind, user, .. } => (*kind, *user),
            Outcome::Absent(_) => (Kind::Absent, Duration::ZERO),
            Outcome::Failed(_) => return None,
        };
        if cell.qemu.cpu.is_some() {
            return None;
        }
        let system = &cell.system;
        Some(Recordable {
            key: Key {
                host: native,
                target: system.target(),
                architecture: system.name().to_owned(),
                suite: system.suite.clone(),
            },
            series: cell.qemu.name.parse().ok()?,
            qemu: Qemu { version: cell.qemu.version.clone()?, package: cell.qemu.package.clone()? },
            outcome: results::Cell::new(outcome, user),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::cell::tests::cell;

    fn native() -> Host {
        "amd64".parse().unwrap()
    }

    /// The workloads of the only system, as they are written.
    fn lines(results: &Results) -> Vec<String> {
        let text = results.to_string();
        let (_, workloads) = text.split_once("[system.workload]\n").unwrap_or_default();
        workloads.lines().map(str::to_owned).collect()
    }

    #[test]
    fn debians_qemus_are_recorded_as_they_are() {
        let crash = Cell { workload: "git", ..cell("newest", Kind::Crash, 1) };
        let absent = Outcome::Absent("there is no package `nodejs`".to_owned());
        let absent = Cell { workload: "node", result: absent, ..crash.clone() };
        let results = of(
            &[cell("bookworm", Kind::Pass, 1254), cell("newest", Kind::Slow, 9000), crash, absent],
            native(),
        );
        let expected = [
            "bash = { bookworm = \"pass 1.25\", newest = \"slow 9.00\" }",
            "git = { newest = \"crash\" }",
            "node = { newest = \"absent\" }",
        ];
        assert_eq!(lines(&results), expected);
        let (key, system) = results.systems().first_key_value().unwrap();
        assert_eq!((key.host, key.target.name()), (native(), "aarch64"));
        assert_eq!((&*key.architecture, &*key.suite), ("arm64", "bookworm"));
        let series = Series::newest();
        let expected = Qemu { version: "7.2.22".to_owned(), package: "1:7.2+dfsg-7".to_owned() };
        assert_eq!(system.qemus()[&series], expected);
    }

    #[test]
    fn other_qemus_and_what_was_not_tried_are_not_recorded() {
        let [mut given, mut named] = ["./qemu-aarch64", "newest"].map(|qemu| cell(qemu, Kind::Pass, 1));
        // A file may have the name of a series.
        (given.qemu.package, named.qemu.package) = (None, None);
        let mut with_cpu = cell("newest", Kind::Pass, 1);
        with_cpu.qemu.cpu = Some("max".to_owned());
        let failed = Outcome::Failed("no mirror".to_owned());
        let failed = Cell { result: failed, ..cell("newest", Kind::Pass, 1) };
        let mut silent = cell("newest", Kind::Crash, 1);
        silent.qemu.version = None;
        let cells = [given, named, with_cpu, failed, silent];
        assert_eq!(of(&cells, native()), Results::default());
        let recorded = of(&[cell("newest", Kind::Hang, 1)], native());
        assert_eq!(changes(&cells, native(), &recorded), [""; 0]);
    }

    #[test]
    fn a_regression_and_what_is_mended_are_changes() {
        let check = |before, now, expected: Option<&str>| {
            let recorded = of(&[cell("newest", before, 1)], native());
            let changes = changes(&[cell("newest", now, 9)], native(), &recorded);
            assert_eq!(changes.first().map(String::as_str), expected);
        };
        check(Kind::Pass, Kind::Pass, None);
        check(Kind::Pass, Kind::Slow, None);
        check(Kind::Crash, Kind::Crash, None);
        let place = "bash for arm64 under newest (7.2.22)";
        let line = |word: &str, now: &str, before: &str| {
            format!("{word}: {place}: {now}; recorded is {before}, of 7.2.22")
        };
        check(Kind::Slow, Kind::Crash, Some(&line("regression", "crash", "slow")));
        check(Kind::Hang, Kind::Pass, Some(&line("mended", "pass", "hang")));
        check(Kind::Hang, Kind::Crash, Some(&line("changed", "crash", "hang")));
        let other = of(&[cell("trixie", Kind::Pass, 1)], native());
        assert_eq!(changes(&[cell("newest", Kind::Crash, 1)], native(), &other), [""; 0]);
    }

    #[test]
    fn what_was_not_run_again_stays_recorded() {
        let mut recorded = of(&[cell("bookworm", Kind::Pass, 1000), cell("newest", Kind::Hang, 1)], native());
        recorded.merge(&of(&[cell("newest", Kind::Pass, 2000)], native()));
        assert_eq!(lines(&recorded), ["bash = { bookworm = \"pass 1.00\", newest = \"pass 2.00\" }"]);
        // What another QEMU did is not what this one does.
        let mut newer = Cell { workload: "git", ..cell("newest", Kind::Pass, 3000) };
        newer.qemu.package = Some("1:12.0-1".to_owned());
        recorded.merge(&of(&[newer], native()));
        let expected = ["bash = { bookworm = \"pass 1.00\" }", "git = { newest = \"pass 3.00\" }"];
        assert_eq!(lines(&recorded), expected);
    }
}
