//! Machines with kernels of their own, old and foreign: what `register` and `run` do there.
//!
//! A row of the matrix (`rows`) is a host and one of Debian's kernels for it (`boot`). A machine has the files of the host's image and
//! makes every check (`checks`) in one boot, since booting takes most of the time.

mod boot;
mod check;
mod checks;
mod console;
mod rows;

use std::fmt::Write as _;
use std::num::NonZero;
use std::path::Path;
use std::time::{Duration, Instant};

use arch::UnknownName;
use debian::Progress;
use debian::lock::Lock;
use serde::Serialize;

use crate::End;
use crate::machine::{Snapshot, Track};
use crate::stage;
use boot::{Boot, Checked};
use rows::{KERNELS, Row};

/// Machines, in the order of the documentation.
pub struct Machines(Vec<Row>);

/// The things that are needed to run them.
pub struct Place<'a> {
    /// The place that packages come from.
    pub site: &'a builder::Site,
    /// The layout with qus's images.
    pub layout: &'a Path,
    /// The lock that they were made from.
    pub lock: &'a Lock,
}

/// The settings of a run of machines.
pub struct Options<'a> {
    /// Test the test: a machine loses its entries before its last command.
    pub sabotage: bool,
    /// The number of machines that run at the same time; `None` stands for the number of cores.
    pub parallel: Option<NonZero<usize>>,
    /// Hears which machine runs.
    pub progress: &'a dyn Progress,
    /// Words the error that a machine could not be booted for.
    pub explain: fn(&anyhow::Error) -> String,
}

/// The results of machines.
pub struct Results {
    boots: Vec<(String, Result<Boot, String>)>,
    left: Vec<String>,
    elapsed: Duration,
}

impl Machines {
    /// The machines with these names, or of the hosts with these names; all of them if there are none.
    pub fn select(names: &[String]) -> Result<Machines, UnknownName> {
        let all: Vec<Row> = rows::cells().into_iter().filter_map(|(_, cell)| cell.ok()).collect();
        if names.is_empty() {
            return Ok(Machines(all));
        }
        let mut selected = Vec::new();
        for name in names {
            let named: Vec<Row> =
                all.iter().filter(|row| row.name == *name || row.host.name() == name).cloned().collect();
            if named.is_empty() {
                return Err(UnknownName::new("machine", name, all.iter().map(|row| row.name.as_str())));
            }
            selected.extend(named);
        }
        Ok(Machines(selected))
    }

    /// A line for each.
    pub fn list(&self) -> String {
        let mut lines = vec![["MACHINE", "KERNEL", "SUITE"].map(str::to_owned)];
        lines.extend(self.0.iter().map(|row| [&row.name, row.kernel, row.suite].map(str::to_owned)));
        base::table(&lines)
    }

    /// Boots each, several at a time, and looks at the machine that this runs on before and after.
    pub fn run(&self, place: &Place<'_>, options: &Options<'_>) -> anyhow::Result<Results> {
        let Options { sabotage, parallel, progress, explain } = options;
        let before = Snapshot::take()?;
        let started = Instant::now();
        let packages = stage::packages(place.site)?;
        let booted = base::pool(base::jobs(*parallel).get(), &self.0, |row| {
            let task = progress.step(&format!("machine {}", row.name));
            let mut track = None;
            let result = boot::boot(row, &packages, (place.layout, place.lock), *sabotage, &mut track);
            drop(task);
            anyhow::Ok(((row.name.clone(), result.map_err(|error| explain(&error))), track))
        })?;
        let elapsed = started.elapsed();
        let (boots, tracks): (Vec<_>, Vec<Option<Track>>) = booted.into_iter().unzip();
        let tracks: Vec<Track> = tracks.into_iter().flatten().collect();
        Ok(Results { boots, left: before.changes(&tracks)?.ours, elapsed })
    }
}

/// The matrix: host by kernel, with `yes` where there is a machine, and the reasons for there being none.
pub fn matrix() -> String {
    let cells = rows::cells();
    let mut lines = vec![vec!["HOST".to_owned()]];
    lines[0].extend(KERNELS.map(|(linux, _)| linux.to_uppercase()));
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for of_host in cells.chunks(KERNELS.len()) {
        let host = of_host[0].0.split_once('-').map_or("", |(host, _)| host);
        let mut line = vec![host.to_owned()];
        for (name, cell) in of_host {
            line.push(if cell.is_ok() { "yes" } else { "-" }.to_owned());
            let Err(reason) = cell else { continue };
            match reasons.iter_mut().find(|(other, _)| other == reason) {
                Some((_, names)) => names.push(name),
                None => reasons.push((reason, vec![name])),
            }
        }
        lines.push(line);
    }
    let mut text = base::table(&lines);
    text.push('\n');
    for (reason, names) in reasons {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: {reason}", names.join(", "));
    }
    text
}

#[derive(Serialize)]
struct MachineJson<'a> {
    machine: &'a str,
    kernel: Option<&'a str>,
    passed: bool,
    seconds: Option<f64>,
    failures: Vec<String>,
}

impl Results {
    /// The end of it; a machine may fail in more than one way.
    pub fn end(&self) -> End {
        End {
            failures: self.failures(),
            left: self.left.clone(),
            failed: self.boots.iter().filter(|(_, boot)| !failures(boot).is_empty()).count(),
            tried: base::count(self.boots.len(), "machine", "machines"),
        }
    }

    /// Each failure, with its machine.
    fn failures(&self) -> Vec<String> {
        let each = self.boots.iter().flat_map(|(name, boot)| {
            failures(boot).into_iter().map(move |failure| format!("{name}: {failure}"))
        });
        each.collect()
    }

    /// Check by kernel, a table for each host, and the time of all.
    pub fn table(&self) -> String {
        let host = |name: &str| name.split_once('-').map_or("", |(host, _)| host).to_owned();
        let hosts = self.boots.chunk_by(|(one, _), (other, _)| host(one) == host(other));
        let mut text: String = hosts.map(|boots| table(boots) + "\n").collect();
        let count = base::count(self.boots.len(), "machine", "machines");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{count} in {:.0} s", self.elapsed.as_secs_f64());
        text
    }

    /// The same as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        let machines = self.boots.iter().map(|(name, boot)| {
            let failures = failures(boot);
            let known = boot.as_ref().ok();
            MachineJson {
                machine: name,
                kernel: known.map(|boot| boot.release.as_str()),
                passed: failures.is_empty(),
                seconds: known.map(|boot| boot.time.as_secs_f64()),
                failures,
            }
        });
        let json = serde_json::json!({ "machines": machines.collect::<Vec<_>>(), "changes": self.left });
        serde_json::to_string_pretty(&json).map(|text| text + "\n")
    }
}

/// Check by machine.
fn table(boots: &[(String, Result<Boot, String>)]) -> String {
    let mut rows =
        ["CHECK", "kernel", "until process 1", "in all"].map(|name| vec![name.to_owned()]).to_vec();
    let names: Vec<&str> = boots
        .iter()
        .filter_map(|(_, boot)| boot.as_ref().ok())
        .max_by_key(|boot| boot.checks.len())
        .map(|boot| boot.checks.iter().map(|check| check.name).collect())
        .unwrap_or_default();
    rows.extend(names.iter().map(|name| vec![(*name).to_owned()]));
    for (name, boot) in boots {
        rows[0].push(name.to_uppercase());
        let Ok(boot) = boot else {
            rows[1..].iter_mut().for_each(|row| row.push("FAILED".to_owned()));
            continue;
        };
        rows[1].push(boot.release.clone());
        rows[2].push(format!("{:.0} s", boot.up));
        rows[3].push(format!("{:.0} s", boot.time.as_secs_f64()));
        for (row, name) in rows[4..].iter_mut().zip(&names) {
            let found = boot.checks.iter().find(|check| check.name == *name);
            row.push(found.map_or_else(|| "-".to_owned(), cell));
        }
    }
    base::table(&rows)
}

/// The time of a check that has passed.
fn cell(check: &Checked) -> String {
    if check.result.is_ok() { format!("ok {:.0} s", check.time) } else { "FAILED".to_owned() }
}

fn failures(boot: &Result<Boot, String>) -> Vec<String> {
    match boot {
        Err(error) => vec![error.clone()],
        Ok(boot) => {
            let failed = |check: &Checked| {
                check.result.as_ref().err().map(|reason| format!("{}: {reason}", check.name))
            };
            boot.checks.iter().filter_map(failed).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_selected_by_their_names_and_by_their_hosts() {
        let select = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            let found = Machines::select(&names).map_err(|error| error.to_string())?;
            Ok::<_, String>(found.0.into_iter().map(|row| row.name).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(select(&["s390x-6.1", "amd64-6.1"]).unwrap(), "s390x-6.1 amd64-6.1");
        assert_eq!(select(&["i386"]).unwrap(), "i386-5.10 i386-6.1");
        assert_eq!(select(&["mipsel"]).unwrap_err(), "unknown machine `mipsel`");
    }

    #[test]
    fn each_host_has_a_table() {
        let boot = |release: &str, checks: &[(&'static str, bool)]| {
            let check = |&(name, passed): &(&'static str, bool)| Checked {
                name,
                time: 1.6,
                result: if passed { Ok(()) } else { Err("reason".to_owned()) },
            };
            let time = Duration::from_secs(70);
            Ok(Boot {
                release: release.to_owned(),
                up: 4.2,
                time,
                checks: checks.iter().map(check).collect(),
            })
        };
        let boots = vec![
            ("amd64-5.10".to_owned(), boot("5.10.0", &[("again", true)])),
            ("amd64-6.1".to_owned(), Err("no package".to_owned())),
            ("s390x-6.1".to_owned(), boot("6.1.0", &[("again", true), ("list", false)])),
        ];
        let results = Results { boots, left: Vec::new(), elapsed: Duration::from_secs(90) };
        let expected = "\
CHECK            AMD64-5.10  AMD64-6.1
kernel           5.10.0      FAILED
until process 1  4 s         FAILED
in all           70 s        FAILED
again            ok 2 s      FAILED

CHECK            S390X-6.1
kernel           6.1.0
until process 1  4 s
in all           70 s
again            ok 2 s
list             FAILED

3 machines in 90 s
";
        assert_eq!(results.table(), expected);
        assert_eq!(results.failures(), ["amd64-6.1: no package", "s390x-6.1: list: reason"]);
    }
}
