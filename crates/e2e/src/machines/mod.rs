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
use std::path::Path;

use arch::UnknownName;
use debian::Progress;
use debian::lock::Lock;
use serde::Serialize;
use testbed::Packages;

use crate::machine::{Snapshot, Track};
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

/// The results of machines.
pub struct Results {
    boots: Vec<(String, Result<Boot, String>)>,
    left: Vec<String>,
}

impl Machines {
    /// The machines with these names; all of them if there are none.
    pub fn select(names: &[String]) -> Result<Machines, UnknownName> {
        let all: Vec<Row> = rows::cells().into_iter().filter_map(|(_, cell)| cell.ok()).collect();
        if names.is_empty() {
            return Ok(Machines(all));
        }
        let row = |name: &String| {
            let found = all.iter().find(|row| row.name == *name).cloned();
            found.ok_or_else(|| UnknownName::new("machine", name, all.iter().map(|row| row.name.as_str())))
        };
        names.iter().map(row).collect::<Result<_, _>>().map(Machines)
    }

    /// A line for each.
    pub fn list(&self) -> String {
        let mut lines = vec![["MACHINE", "KERNEL", "SUITE"].map(str::to_owned)];
        lines.extend(self.0.iter().map(|row| [&row.name, row.kernel, row.suite].map(str::to_owned)));
        base::table(&lines)
    }

    /// Boots one after the other, and looks at the machine that this runs on before and after. With `sabotage`, a machine
    /// loses its entries before its last command.
    pub fn run(
        &self,
        place: &Place<'_>,
        sabotage: bool,
        progress: &dyn Progress,
        explain: fn(&anyhow::Error) -> String,
    ) -> anyhow::Result<Results> {
        let before = Snapshot::take()?;
        let site = place.site;
        let keyrings = site.workspace.join("images/keyrings");
        let packages = Packages::chosen(site.fetch.clone(), site.mirror.clone(), &site.cache_dir, &keyrings)?;
        let mut tracks: Vec<Track> = Vec::new();
        let mut boots = Vec::new();
        for row in &self.0 {
            let task = progress.step(&format!("machine {}", row.name));
            let mut track = None;
            let result = boot::boot(row, &packages, (place.layout, place.lock), sabotage, &mut track);
            boots.push((row.name.clone(), result.map_err(|error| explain(&error))));
            tracks.extend(track);
            drop(task);
        }
        Ok(Results { boots, left: before.changes(&tracks)?.ours })
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
    /// The number of machines.
    pub fn count(&self) -> usize {
        self.boots.len()
    }

    /// The number of those that failed.
    pub fn failed(&self) -> usize {
        self.boots.iter().filter(|(_, boot)| !failures(boot).is_empty()).count()
    }

    /// The changes of the machine that this ran on.
    pub fn left(&self) -> &[String] {
        &self.left
    }

    /// Each failure, with its machine.
    pub fn failures(&self) -> Vec<String> {
        let each = self.boots.iter().flat_map(|(name, boot)| {
            failures(boot).into_iter().map(move |failure| format!("{name}: {failure}"))
        });
        each.collect()
    }

    /// Check by machine.
    pub fn table(&self) -> String {
        let mut rows = vec![
            vec!["CHECK".to_owned()],
            vec!["kernel".to_owned()],
            vec!["until process 1".to_owned()],
            vec!["in all".to_owned()],
        ];
        let names: Vec<&str> = self
            .boots
            .iter()
            .filter_map(|(_, boot)| boot.as_ref().ok())
            .max_by_key(|boot| boot.checks.len())
            .map(|boot| boot.checks.iter().map(|check| check.name).collect())
            .unwrap_or_default();
        rows.extend(names.iter().map(|name| vec![(*name).to_owned()]));
        for (name, boot) in &self.boots {
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
