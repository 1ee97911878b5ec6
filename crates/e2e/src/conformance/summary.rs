//! The recorded results in short, as docs/conformance.md shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use debian::QemuVersion;
use results::{Cell, Key, Outcome, Results, Series, System};

use super::known::Known;

/// A QEMU's version, in the order of numbers.
type Version = (Option<QemuVersion>, String);

/// The systems of one host.
type Systems<'a> = Vec<(&'a Key, &'a System)>;

/// Tables in Markdown: what passes and how fast, and what does not, for each host.
pub(super) fn markdown(results: &Results, known: &[Known]) -> String {
    let mut hosts: BTreeMap<_, Systems<'_>> = BTreeMap::new();
    for (key, system) in results.systems() {
        hosts.entry(key.host).or_default().push((key, system));
    }
    let mut text = String::new();
    for (host, systems) in &hosts {
        let versions = versions(systems);
        let _ = writeln!(text, "Debian's QEMUs for `{host}`:\n");
        text.push_str(&table(&["target", "programs"], &versions, &[], &passes(systems, &versions)));
        text.push_str("\nAll that is not a pass:\n\n");
        let failures = failures(systems, &versions, known);
        text.push_str(&table(&["workload", "targets"], &versions, &["why"], &failures));
        let absent = absent(systems);
        if !absent.is_empty() {
            let _ = writeln!(text, "\nNot there for want of a package: {}.", absent.join("; "));
        }
    }
    text
}

fn versions(systems: &Systems<'_>) -> Vec<String> {
    let qemus = systems.iter().flat_map(|(_, system)| system.qemus().values());
    let versions: BTreeSet<Version> =
        qemus.map(|qemu| (QemuVersion::of_package(&qemu.version), qemu.version.clone())).collect();
    versions.into_iter().map(|(_, version)| version).collect()
}

fn table(before: &[&str], versions: &[String], after: &[&str], rows: &[Vec<String>]) -> String {
    let names =
        before.iter().copied().chain(versions.iter().map(String::as_str)).chain(after.iter().copied());
    let names: Vec<String> = names.map(str::to_owned).collect();
    let line = |cells: &Vec<String>| format!("| {} |\n", cells.join(" | ")).replace("|  |", "| |");
    let lines: String = rows.iter().map(line).collect();
    format!("{}|{}\n{lines}", line(&names), "---|".repeat(names.len()))
}

/// The outcomes of a workload, by version; `None` where it was not tried.
fn by_version(system: &System, workload: &str, versions: &[String]) -> Vec<Option<Cell>> {
    let cells = &system.workloads()[workload];
    versions.iter().map(|version| cells.get(series(system, version)?).copied()).collect()
}

/// The series of a system whose QEMU has this version.
fn series<'a>(system: &'a System, version: &str) -> Option<&'a Series> {
    system.qemus().iter().find(|(_, qemu)| qemu.version == version).map(|(series, _)| series)
}

/// The number of workloads that pass, of those that were tried, and the time of those that pass under each QEMU.
fn passes(systems: &Systems<'_>, versions: &[String]) -> Vec<Vec<String>> {
    let row = |(key, system): &(&Key, &System)| {
        let totals = system.totals();
        let best = totals.values().filter_map(|total| total.user).min().unwrap_or_default();
        let of = |version: &String| {
            let Some(total) = series(system, version).map(|series| &totals[series]) else {
                return "-".to_owned();
            };
            let mut text = format!("{} of {}", total.passed, total.tried);
            if let Some(user) = total.user {
                let _ = write!(text, ", {:.1} s", user.as_secs_f64());
                if user > best {
                    let _ = write!(text, " x{:.2}", user.as_secs_f64() / best.as_secs_f64());
                }
            }
            text
        };
        let names = [format!("`{}`", key.target), format!("{}, {}", key.suite, key.architecture)];
        names.into_iter().chain(versions.iter().map(of)).collect()
    };
    systems.iter().map(row).collect()
}

/// The workloads that do not pass everywhere; systems of which the same is true are together.
fn failures(systems: &Systems<'_>, versions: &[String], known: &[Known]) -> Vec<Vec<String>> {
    let workloads: BTreeSet<&String> =
        systems.iter().flat_map(|(_, system)| system.workloads().keys()).collect();
    let mut rows = Vec::new();
    for workload in workloads {
        let tried = systems.iter().filter(|(_, system)| system.workloads().contains_key(workload));
        let tried: Vec<_> =
            tried.map(|(key, system)| (*key, by_version(system, workload, versions))).collect();
        let mut groups: Vec<(Vec<String>, Option<&Known>, Vec<&Key>)> = Vec::new();
        for (key, cells) in &tried {
            let outcome =
                |cell: &Option<Cell>| cell.map(Cell::outcome).filter(|outcome| *outcome != Outcome::Absent);
            let is_good = |cell: &Option<Cell>| outcome(cell).is_none_or(|outcome| outcome == Outcome::Pass);
            if cells.iter().all(is_good) {
                continue;
            }
            let words: Vec<String> = cells
                .iter()
                .map(|cell| outcome(cell).map_or("-".to_owned(), |cell| cell.to_string()))
                .collect();
            let reason = versions.iter().zip(cells).find_map(|(version, cell)| {
                let kind = (*cell)?.outcome();
                let is_it =
                    |known: &&Known| known.is_of(workload, key.target, Some(version)) && known.has(kind);
                known.iter().find(is_it)
            });
            match groups.iter_mut().find(|group| (&group.0, group.1) == (&words, reason)) {
                Some(group) => group.2.push(key),
                None => groups.push((words, reason, vec![key])),
            }
        }
        for (words, reason, keys) in groups {
            // What is known of every workload has one row.
            let fails = |word: &&String| !["pass", "-"].contains(&word.as_str());
            let is_of_all = reason.is_some_and(|known| known.workload.is_none())
                && words.iter().filter(fails).count() == 1;
            let workload = if is_of_all { "all".to_owned() } else { format!("`{workload}`") };
            let names = match keys.len() == tried.len() && keys.len() > 1 && !is_of_all {
                true => format!("all {}", keys.len()),
                false => keys.iter().map(|key| key.architecture.as_str()).collect::<Vec<_>>().join(", "),
            };
            let reason =
                reason.map_or(String::new(), |known| format!("[{}]({})", known.about, known.reference));
            let row: Vec<String> = [workload, names].into_iter().chain(words).chain([reason]).collect();
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
    }
    rows
}

fn absent(systems: &Systems<'_>) -> Vec<String> {
    let mut absent: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, system) in systems {
        for (workload, cells) in system.workloads() {
            if cells.values().all(|cell| cell.outcome() == Outcome::Absent) {
                absent.entry(workload).or_default().push(&key.architecture);
            }
        }
    }
    absent.into_iter().map(|(workload, names)| format!("`{workload}` on {}", names.join(", "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = r#"version = 1

[[system]]
host = "amd64"
target = "aarch64"
architecture = "arm64"
suite = "bookworm"

[system.qemu]
bookworm = { version = "7.2.22", package = "1:7.2+dfsg-7" }
newest = { version = "11.1.3", package = "1:11.1.3+ds-1" }

[system.workload]
bash = { bookworm = "pass 2.00", newest = "pass 3.00" }
git = { bookworm = "hang", newest = "pass 9.00" }
go = { newest = "pass 90.00" }
node = { bookworm = "absent", newest = "absent" }

[[system]]
host = "amd64"
target = "arm"
architecture = "armhf"
suite = "bookworm"

[system.qemu]
newest = { version = "11.1.3", package = "1:11.1.3+ds-1" }

[system.workload]
bash = { newest = "pass 1.00" }
git = { newest = "crash" }

[[system]]
host = "amd64"
target = "loongarch64"
architecture = "loong64"
suite = "sid"

[system.qemu]
bookworm = { version = "7.2.22", package = "1:7.2+dfsg-7" }
newest = { version = "11.1.3", package = "1:11.1.3+ds-1" }
trixie = { version = "10.0.13", package = "1:10.0.13+ds-0" }

[system.workload]
bash = { bookworm = "crash", newest = "pass 1.00", trixie = "pass 2.00" }
git = { bookworm = "crash", newest = "pass 3.00", trixie = "slow 10.00" }
perl = { bookworm = "crash", newest = "pass 3.00", trixie = "pass 4.00" }
"#;

    #[test]
    fn what_passes_and_what_does_not() {
        let git = "[[known]]\nworkload = \"git\"\ntarget = \"arm\"\nkind = \"crash\"\nabout = \"a fork\"\n";
        let all =
            "[[known]]\ntarget = \"loongarch64\"\nqemu = \"7.2\"\nkind = \"crash\"\nabout = \"vectors\"\n";
        let reference = "reference = \"https://example.org\"\n";
        let known = super::super::known::parse(&[git, reference, all, reference].concat()).unwrap();
        assert_eq!(
            markdown(&Results::parse(RESULTS).unwrap(), &known),
            "\
Debian's QEMUs for `amd64`:

| target | programs | 7.2.22 | 10.0.13 | 11.1.3 |
|---|---|---|---|---|
| `aarch64` | bookworm, arm64 | 1 of 2, 2.0 s | - | 3 of 3, 3.0 s x1.50 |
| `arm` | bookworm, armhf | - | - | 1 of 2 |
| `loongarch64` | sid, loong64 | 0 of 3 | 3 of 3, 16.0 s x2.29 | 3 of 3, 7.0 s |

All that is not a pass:

| workload | targets | 7.2.22 | 10.0.13 | 11.1.3 | why |
|---|---|---|---|---|---|
| all | loong64 | crash | pass | pass | [vectors](https://example.org) |
| `git` | arm64 | hang | - | pass | |
| `git` | armhf | - | - | crash | [a fork](https://example.org) |
| `git` | loong64 | crash | slow | pass | [vectors](https://example.org) |

Not there for want of a package: `node` on arm64.
"
        );
    }
}
