//! The differences of the archive, or a new lock, from the lock there was: a table for people, Markdown for a pull request, JSON
//! for machines.

use std::collections::BTreeSet;

use arch::{Host, Target};
use serde::Serialize;

use super::compare::{Comparison, Row};
use super::concessions::Concessions;
use crate::lock::NEWEST;

const NOTHING: &str = "the archive has nothing newer\n";

#[derive(Debug, Serialize)]
struct ChangesJson<'a> {
    packages: Vec<PackageJson<'a>>,
    findings: Vec<FindingJson<'a>>,
    /// The concessions that the lock records and this comparison was made with, as options of `lock`.
    concessions: Vec<String>,
    /// The command that makes the lock which this was compared with.
    command: String,
}

#[derive(Debug, Serialize)]
struct PackageJson<'a> {
    /// `newest`, or a suite.
    series: &'a str,
    host: &'static str,
    suite: &'a str,
    package: &'a str,
    /// The version in the lock.
    old: Option<&'a str>,
    /// The version in the archive.
    new: Option<&'a str>,
    /// The targets that are taken from it now, and were not.
    gained: Vec<&'static str>,
    /// The targets that were taken from it, and are not.
    lost: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct FindingJson<'a> {
    /// `suite-gone`, `host-gone`, `package-gone`, `programs-moved`, `not-static`, `older-suite`, `chosen`, `no-busybox`, `no-libc`,
    /// `lost` or `series-lost`; `target-new` or `host-new`.
    finding: &'static str,
    hosts: Vec<&'static str>,
    targets: Vec<&'a str>,
    /// Debian's name of a `host-new`.
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<&'a str>,
    /// The same in words.
    text: String,
}

/// For machines.
pub fn json(comparison: &Comparison, concessions: &Concessions) -> serde_json::Result<String> {
    let names = |targets: &BTreeSet<Target>| targets.iter().map(|target| target.name()).collect();
    let packages = comparison.rows.iter().map(|row| PackageJson {
        series: series(row),
        host: row.host.name(),
        suite: &row.suite,
        package: &row.package,
        old: row.old.as_deref(),
        new: row.new.as_deref(),
        gained: names(&row.gained),
        lost: names(&row.lost),
    });
    let findings = comparison.findings.iter().map(|finding| FindingJson {
        finding: finding.kind.name(),
        hosts: finding.hosts.iter().map(|host| host.name()).collect(),
        targets: finding.targets(),
        architecture: finding.architecture(),
        text: finding.to_string(),
    });
    let document = ChangesJson {
        packages: packages.collect(),
        findings: findings.collect(),
        concessions: concessions.options(),
        command: concessions.command(),
    };
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}

/// For people. Findings come first: they are what somebody has to think about.
pub fn table(comparison: &Comparison, concessions: &Concessions) -> String {
    let Comparison { rows, findings } = comparison;
    let mut text = if comparison.is_empty() { NOTHING.to_owned() } else { String::new() };
    for finding in findings {
        text.push_str(&format!("{}: {finding}\n", finding.kind.name()));
    }
    if !rows.is_empty() {
        if !findings.is_empty() {
            text.push('\n');
        }
        let mut cells =
            vec![["SERIES", "SUITE", "HOST", "PACKAGE", "LOCKED", "ARCHIVE", "TARGETS"].map(str::to_owned)];
        cells.extend(rows.iter().map(|row| {
            let [old, new] = versions(row);
            let (series, host) = (series(row).to_owned(), row.host.to_string());
            [series, row.suite.clone(), host, row.package.clone(), old, new, targets(row)]
        }));
        text.push_str(&base::table(&cells));
    }
    let options = concessions.options();
    if !options.is_empty() {
        let (options, command) = (options.join(" "), concessions.command());
        text.push_str(&format!(
            "\ncompared with what the lock records: {options}\na lock with it: {command}\n"
        ));
    }
    text
}

/// The text of a pull request. Hosts that changed alike share a row.
pub fn markdown(comparison: &Comparison, concessions: &Concessions) -> String {
    let Comparison { rows, findings } = comparison;
    let mut text = String::new();
    if comparison.is_empty() {
        text.push_str(&format!("{}.\n", NOTHING.trim_end().replacen('t', "T", 1)));
    }
    if !findings.is_empty() {
        text.push_str("### Look at these\n\n");
        for finding in findings {
            text.push_str(&format!("- **{}**: {finding}\n", finding.kind.name()));
        }
    }
    if !rows.is_empty() {
        push_packages(&mut text, rows);
    }
    let options = concessions.options();
    if !options.is_empty() {
        let list: Vec<String> = options.iter().map(|option| format!("`{option}`")).collect();
        let (list, command) = (list.join(", "), concessions.command());
        text.push_str(&format!(
            "\nCompared with what the lock records: {list}. A lock with it: `{command}`.\n"
        ));
    }
    text
}

/// The name of a row's series.
fn series(row: &Row) -> &str {
    row.series.as_deref().unwrap_or(NEWEST)
}

fn push_packages(text: &mut String, rows: &[Row]) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str("### Packages\n\n| series | suite | package | locked | archive | targets | hosts |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    let mut groups: Vec<([String; 6], Vec<Host>)> = Vec::new();
    for row in rows {
        let [old, new] = versions(row);
        let key = [series(row).to_owned(), row.suite.clone(), row.package.clone(), old, new, targets(row)];
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, hosts)) => hosts.push(row.host),
            None => groups.push((key, vec![row.host])),
        }
    }
    for (cells, hosts) in groups {
        let hosts: Vec<&str> = hosts.iter().map(|host| host.name()).collect();
        text.push_str(&format!("| {} | {} |\n", cells.join(" | "), hosts.join(", ")));
    }
}

/// Locked, and in the archive.
fn versions(row: &Row) -> [String; 2] {
    let none = || "-".to_owned();
    let new = match (&row.old, &row.new) {
        (Some(old), Some(new)) if old == new && row.gained.is_empty() && row.lost.is_empty() => {
            "other contents".to_owned()
        }
        (_, new) => new.clone().unwrap_or_else(none),
    };
    [row.old.clone().unwrap_or_else(none), new]
}

/// The targets that a package gives and did not, and those that it gives no more: `+arm, mips`, `-33 targets`.
fn targets(row: &Row) -> String {
    const SHOWN: usize = 4;
    let list = |sign: char, targets: &BTreeSet<Target>| {
        let names: Vec<&str> = targets.iter().map(|target| target.name()).collect();
        match names.len() {
            0 => None,
            1..=SHOWN => Some(format!("{sign}{}", names.join(", "))),
            count => Some(format!("{sign}{count} targets")),
        }
    };
    let lists: Vec<String> = [list('+', &row.gained), list('-', &row.lost)].into_iter().flatten().collect();
    lists.join("; ")
}
