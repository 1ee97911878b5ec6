//! Host by target: which programs of the images ran here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use arch::{Host, Target};
use serde::Serialize;

use crate::run::{Cell, Outcome};

/// The cells that the lock has of the hosts that were tried, and whether each ran. Those of a job that failed early count,
/// too.
pub(super) fn cells(outcomes: &[Outcome]) -> Vec<Cell> {
    outcomes.iter().flat_map(|outcome| outcome.cells.iter().copied()).collect()
}

/// A row for each target, a column for each host; nothing if no host was tried.
pub(super) fn table(cells: &[Cell]) -> String {
    if cells.is_empty() {
        return String::new();
    }
    let by_name: BTreeMap<(Target, Host), bool> =
        cells.iter().map(|cell| ((cell.target, cell.host), cell.ran)).collect();
    let hosts: BTreeSet<Host> = cells.iter().map(|cell| cell.host).collect();
    let targets: BTreeSet<Target> = cells.iter().map(|cell| cell.target).collect();
    let mut rows = vec![vec!["TARGET".to_owned()]];
    rows[0].extend(hosts.iter().map(|host| host.name().to_uppercase()));
    for target in targets {
        let state = |host: &Host| match by_name.get(&(target, *host)) {
            Some(true) => "ok",
            Some(false) => "failed",
            None => "missing",
        };
        let mut row = vec![target.name().to_owned()];
        row.extend(hosts.iter().map(|host| state(host).to_owned()));
        rows.push(row);
    }
    let ran = cells.iter().filter(|cell| cell.ran).count();
    let mut text = format!("\n{}", base::table(&rows));
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "\n{ran} of {} ran here and said the locked version",
        base::count(cells.len(), "cell", "cells")
    );
    text
}

/// A cell for `--json`.
#[derive(Debug, Serialize)]
pub(super) struct CellJson {
    host: &'static str,
    target: &'static str,
    ran: bool,
}

pub(super) fn json(cells: &[Cell]) -> Vec<CellJson> {
    let json = |cell: &Cell| CellJson { host: cell.host.name(), target: cell.target.name(), ran: cell.ran };
    cells.iter().map(json).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(host: &str, target: &str, ran: bool) -> Cell {
        Cell { host: host.parse().unwrap(), target: target.parse().unwrap(), ran }
    }

    #[test]
    fn a_cell_ran_or_failed_or_is_missing() {
        let cells = [cell("amd64", "arm", true), cell("amd64", "s390x", false), cell("i386", "arm", true)];
        let expected = "\nTARGET  AMD64   I386\n\
                        arm     ok      ok\n\
                        s390x   failed  missing\n\
                        \n2 of 3 cells ran here and said the locked version\n";
        assert_eq!(table(&cells), expected);
        assert_eq!(table(&[]), "");
        let json = serde_json::to_value(json(&cells)).unwrap();
        assert_eq!(json[1], serde_json::json!({"host": "amd64", "target": "s390x", "ran": false}));
    }
}
