//! The output: workloads by QEMU, for each system, and the same as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use results::Outcome as Kind;
use serde::Serialize;

use super::cell::{Cell, Outcome};

/// Workloads by QEMU, a table for each system.
pub(super) fn text(cells: &[Cell]) -> String {
    let systems = cells.chunk_by(|a, b| a.system == b.system).map(system);
    systems.collect::<Vec<_>>().join("\n")
}

fn system(cells: &[Cell]) -> String {
    let qemus = names(cells.iter().map(|cell| cell.qemu.label()));
    let rows: Vec<&[Cell]> = cells.chunk_by(|a, b| a.workload == b.workload).collect();
    let mut lines =
        vec![["WORKLOAD".to_owned()].into_iter().chain(qemus.iter().cloned()).collect::<Vec<_>>()];
    for row in &rows {
        let best = row.iter().filter_map(Cell::time).min();
        let of = |qemu: &String| row.iter().find(|cell| cell.qemu.label() == *qemu);
        let line =
            qemus.iter().map(|qemu| of(qemu).map_or("-".to_owned(), |cell| shown(cell, best, row.len())));
        lines.push([row[0].workload.to_owned()].into_iter().chain(line).collect());
    }
    if let Some(sums) = sums(&rows, qemus.len()) {
        let best = sums.iter().min().copied();
        let line = sums.iter().map(|sum| format!("     {}", time(*sum, best)));
        lines.push(["together".to_owned()].into_iter().chain(line).collect());
    }
    let mut text = String::new();
    let system = &cells[0].system;
    let _ = writeln!(text, "{} ({}), {}", system.name(), system.suite, system.target());
    text.push_str(&base::table(&lines));
    if qemus.len() > 1 {
        let regressions: Vec<String> = rows.iter().filter_map(|row| regression(row)).collect();
        let text_of = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        let _ = writeln!(text, "regressions: {}", text_of(&regressions));
    }
    text
}

/// The failure of a workload, known or not, under a QEMU that comes after one that it passes under.
fn regression(row: &[Cell]) -> Option<String> {
    let first = row.iter().position(|cell| cell.time().is_some())?;
    let worse = row[first..].iter().find(|cell| cell.kind().is_some_and(Kind::is_failure))?;
    Some(format!("{} under {} and not {}", worse.workload, worse.qemu.label(), row[first].qemu.label()))
}

/// Each name once, in the order of their first places.
fn names(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut names = Vec::new();
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn shown(cell: &Cell, best: Option<Duration>, qemus: usize) -> String {
    let kind = match &cell.result {
        Outcome::Absent(_) => return "-".to_owned(),
        Outcome::Failed(_) => return "FAILED".to_owned(),
        Outcome::Ran { kind, .. } => *kind,
    };
    let best = best.filter(|_| qemus > 1);
    match (kind, cell.time()) {
        (kind, Some(user)) => format!("{kind} {}", time(user, best)),
        (kind, None) if cell.failure().is_none() => format!("{kind}, known"),
        (kind, None) => kind.to_string().to_uppercase(),
    }
}

/// Seconds, and how many times the best that is, if that is another.
fn time(user: Duration, best: Option<Duration>) -> String {
    let seconds = format!("{:.2} s", user.as_secs_f64());
    match best {
        Some(best) if user > best && !best.is_zero() => {
            format!("{seconds} x{:.1}", user.as_secs_f64() / best.as_secs_f64())
        }
        _ => seconds,
    }
}

/// The sums of the times of the workloads that all QEMUs pass, if there are several QEMUs.
fn sums(rows: &[&[Cell]], qemus: usize) -> Option<Vec<Duration>> {
    let times = |row: &&[Cell]| row.iter().map(Cell::time).collect::<Option<Vec<_>>>();
    let rows: Vec<Vec<Duration>> = rows.iter().filter_map(times).filter(|row| row.len() == qemus).collect();
    let sums = (0..qemus).map(|column| rows.iter().map(|row| row[column]).sum());
    (qemus > 1 && !rows.is_empty()).then(|| sums.collect())
}

#[derive(Serialize)]
struct CellJson<'a> {
    target: &'static str,
    architecture: &'static str,
    suite: &'a str,
    workload: &'static str,
    qemu: &'a str,
    version: Option<&'a str>,
    /// The version of Debian's package, of a series.
    package: Option<&'a str>,
    /// The CPU model that QEMU was given.
    cpu: Option<&'a str>,
    /// `pass`, `slow`, `wrong`, `crash`, `hang`; `absent` without its packages, `failed` if it could not be tried.
    outcome: String,
    reason: Option<&'a str>,
    user_seconds: Option<f64>,
    seconds: Option<f64>,
    /// The place where its failure is described, if that is known.
    known: Option<&'a str>,
}

/// All cells, and what of the machine was left changed.
pub(super) fn json(cells: &[Cell], left: &[String]) -> serde_json::Result<String> {
    let results: Vec<CellJson<'_>> = cells.iter().map(cell_json).collect();
    let json = serde_json::json!({ "results": results, "changes": left });
    serde_json::to_string_pretty(&json).map(|text| text + "\n")
}

fn cell_json(cell: &Cell) -> CellJson<'_> {
    let (outcome, reason, times) = match &cell.result {
        Outcome::Ran { kind, reason, user, elapsed } => {
            (kind.to_string(), reason.as_deref(), Some((user, elapsed)))
        }
        Outcome::Absent(reason) => ("absent".to_owned(), Some(reason.as_str()), None),
        Outcome::Failed(reason) => ("failed".to_owned(), Some(reason.as_str()), None),
    };
    CellJson {
        target: cell.system.target().name(),
        architecture: cell.system.name(),
        suite: &cell.system.suite,
        workload: cell.workload,
        qemu: &cell.qemu.name,
        version: cell.qemu.version.as_deref(),
        package: cell.qemu.package.as_deref(),
        cpu: cell.qemu.cpu.as_deref(),
        outcome,
        reason,
        user_seconds: times.map(|(user, _)| user.as_secs_f64()),
        seconds: times.map(|(_, elapsed)| elapsed.as_secs_f64()),
        known: cell.known.as_ref().map(|known| known.reference.as_str()),
    }
}

/// The failures that are not known, each with where it was.
pub(super) fn failures(cells: &[Cell]) -> Vec<String> {
    let failure = |cell: &Cell| {
        let kind = cell.kind().map_or("failed".to_owned(), |kind| kind.to_string());
        Some(format!("{}: {kind}: {}", cell.place(), cell.failure()?))
    };
    cells.iter().filter_map(failure).collect()
}

/// The things that are worth knowing and no failures.
pub(super) fn notes(cells: &[Cell]) -> Vec<String> {
    let note = |cell: &Cell| {
        let place = cell.place();
        if let Some(known) = cell.mended() {
            return Some(format!("{place} passes, which was known to fail: {}", known.reference));
        }
        match (&cell.result, &cell.known) {
            (Outcome::Absent(reason), _) => {
                Some(format!("no {} for {}: {reason}", cell.workload, cell.system.name()))
            }
            (Outcome::Ran { kind: Kind::Slow, reason, .. }, _) => {
                Some(format!("{place} is slow: {}", reason.as_deref().unwrap_or_default()))
            }
            (Outcome::Ran { kind, .. }, Some(known)) => {
                Some(format!("{place}: {kind}, known: {}", known.reference))
            }
            _ => None,
        }
    };
    names(cells.iter().filter_map(note))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::cell::tests::cell;

    #[test]
    fn a_table_compares_times_of_one_run() {
        let cells = [
            cell("bookworm", Kind::Pass, 1000),
            cell("trixie", Kind::Pass, 1500),
            Cell { workload: "git", ..cell("bookworm", Kind::Hang, 9000) },
            Cell { workload: "git", ..cell("trixie", Kind::Pass, 250) },
        ];
        assert_eq!(
            text(&cells),
            "arm64 (bookworm), aarch64\n\
             WORKLOAD  bookworm (7.2.22)  trixie (7.2.22)\n\
             bash      pass 1.00 s        pass 1.50 s x1.5\n\
             git       HANG               pass 0.25 s\n\
             together       1.00 s             1.50 s x1.5\n\
             regressions: none\n"
        );
        assert_eq!(failures(&cells), ["git for arm64 under bookworm (7.2.22): hang: because"]);
        assert_eq!(notes(&cells), [""; 0]);
    }

    #[test]
    fn what_an_older_one_passes_is_a_regression() {
        let [old, new] = [cell("trixie", Kind::Pass, 9), cell("newest", Kind::Crash, 9)];
        let expected = "bash under newest (7.2.22) and not trixie (7.2.22)";
        assert_eq!(regression(&[old.clone(), new.clone()]).as_deref(), Some(expected));
        assert_eq!(regression(&[new.clone(), old]), None);
        assert_eq!(regression(&[new.clone(), new]), None);
    }

    #[test]
    fn a_single_qemu_is_compared_with_none() {
        let absent = Outcome::Absent("there is no package `nodejs`".to_owned());
        let node = Cell { workload: "node", result: absent, ..cell("x", Kind::Pass, 1) };
        let cells = [cell("x", Kind::Pass, 1000), node];
        let expected =
            "arm64 (bookworm), aarch64\nWORKLOAD  x (7.2.22)\nbash      pass 1.00 s\nnode      -\n";
        assert_eq!(text(&cells), expected);
        assert_eq!(notes(&cells), ["no node for arm64: there is no package `nodejs`"]);
        let json: serde_json::Value = serde_json::from_str(&json(&cells, &[]).unwrap()).unwrap();
        assert_eq!(json["results"][0]["user_seconds"], 1.0);
        assert_eq!(
            (&json["results"][1]["outcome"], &json["changes"]),
            (&"absent".into(), &serde_json::json!([]))
        );
    }
}
