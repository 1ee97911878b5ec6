//! Real programs of Debian for other machines, under each QEMU: which of them run, and how long they take.
//!
//! A system (`rows`) is an architecture and a suite; its packages are unpacked into roots (`roots`), and none of their scripts
//! has run. A workload (`workloads`) is a script with exactly what it prints. Each runs under each QEMU (`qemu`) in a sandbox of
//! its own (`attempt`) with limits on time, memory, disk and processes, and what comes of it (`outcome`) is a cell of a table
//! (`cell`, `table`) and of what is recorded (`record`, and in short `summary`). Failures that are known are in `known`.

mod attempt;
mod cell;
mod known;
mod outcome;
mod qemu;
mod record;
mod roots;
mod rows;
mod summary;
mod table;
mod workloads;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use arch::{Host, Target, UnknownName};
use base::Hinted;
use debian::Progress;
use debian::lock::Lock;
use testbed::Packages;

pub use exec::cpu::Wanted;

use crate::End;
use crate::machine::{Snapshot, Track};
use crate::stage;
use attempt::Attempt;
use cell::{Cell, Outcome};
use known::Known;
use qemu::{NEWEST, Program, Qemu, Series, Source};
use roots::{NoRoot, Root, Roots};
use rows::System;
use workloads::Workload;

/// The names that were asked for.
#[derive(Debug, Default)]
pub struct Selection<'a> {
    /// Targets, as Debian, Docker or QEMU name them; without any, all.
    pub targets: &'a [String],
    /// Workloads; without any, all.
    pub workloads: &'a [String],
    /// Series of Debian's QEMU; without any, all, or none beside `qemus`.
    pub series: &'a [String],
    /// Files that are QEMUs, too.
    pub qemus: &'a [PathBuf],
    /// The suite of the programs, in place of each target's own.
    pub suite: Option<&'a str>,
    /// Of all that is not named, only what is quick; and the series of the images.
    pub is_quick: bool,
}

/// The workloads, the systems and the QEMUs that were asked for.
pub struct Suite {
    systems: Vec<System>,
    workloads: Vec<Workload>,
    series: Vec<Series>,
    files: Vec<PathBuf>,
    names_targets: bool,
    native: Host,
}

/// The place that packages come from.
pub struct Place<'a> {
    /// The cache and the mirror.
    pub site: &'a builder::Site,
    /// The packages of QEMU that images have.
    pub lock: &'a Lock,
}

/// The settings of a run.
pub struct Options<'a> {
    /// The number of workloads that run at the same time; `None` stands for the number of cores.
    pub parallel: Option<NonZero<usize>>,
    /// The time for each workload, in place of its own.
    pub limit: Option<Duration>,
    /// The CPU model that QEMU is to take.
    pub cpu: Wanted,
    /// Hears which workload runs.
    pub progress: &'a dyn Progress,
    /// Words the error that a workload could not be tried for.
    pub explain: fn(&anyhow::Error) -> String,
}

/// The recorded results in short, as Markdown.
pub fn summary(recorded: &results::Results) -> Result<String, toml::de::Error> {
    Ok(summary::markdown(recorded, &known::all()?))
}

/// The results of a run.
pub struct Results {
    cells: Vec<Cell>,
    native: Host,
    left: Vec<String>,
}

impl Suite {
    /// Those that were asked for, on a machine like `native`; `lock` has the series.
    pub fn select(selection: &Selection<'_>, lock: &Lock, native: Host) -> Result<Suite, UnknownName> {
        let Selection { targets, workloads, series, qemus, suite, is_quick } = *selection;
        let all = qemu::series(lock, native);
        let series = match series {
            [] if !qemus.is_empty() => Vec::new(),
            [] if is_quick => qemu::select(&all, &[NEWEST.to_owned()])?,
            [] => all,
            names => qemu::select(&all, names)?,
        };
        Ok(Suite {
            systems: rows::select(targets, is_quick, suite, native)?,
            workloads: workloads::select(workloads, is_quick)?,
            series,
            files: qemus.to_vec(),
            names_targets: !targets.is_empty(),
            native,
        })
    }

    /// The workloads, the systems and the series, a line for each.
    pub fn list(&self) -> String {
        let table = |head: &[&str], lines: Vec<Vec<String>>| {
            let head = head.iter().map(|name| (*name).to_owned()).collect();
            base::table(&[vec![head], lines].concat())
        };
        let quick = |is_quick| if is_quick { "quick" } else { "" }.to_owned();
        let line = |workload: &Workload| {
            vec![workload.name.to_owned(), quick(workload.is_quick), workload.about.to_owned()]
        };
        let workloads = table(&["WORKLOAD", "", "WHAT"], self.workloads.iter().map(line).collect());
        let line = |system: &System| {
            vec![system.target().to_string(), system.name().to_owned(), system.suite.clone()]
        };
        let systems = table(&["TARGET", "ARCHITECTURE", "SUITE"], self.systems.iter().map(line).collect());
        let line = |series: &Series| vec![series.name.clone(), series.version.clone().unwrap_or_default()];
        let series = table(&["SERIES", "QEMU"], self.series.iter().map(line).collect());
        [workloads, systems, series].join("\n")
    }

    /// Runs each workload of each system under each QEMU, and looks at the machine before and after.
    pub fn run(mut self, place: &Place<'_>, options: &Options<'_>) -> anyhow::Result<Results> {
        let known = known::all()?;
        let before = Snapshot::take()?;
        let packages = stage::packages(place.site)?;
        let source = Source {
            packages: &packages,
            site: place.site,
            lock: place.lock,
            native: self.native,
            progress: options.progress,
        };
        let files = self.files(&source)?;
        for workload in &mut self.workloads {
            workload.limit = options.limit.unwrap_or(workload.limit);
        }
        if let Some(system) = self.systems.iter().find(|system| system.target() == self.native.target()) {
            let target = system.target();
            let message = format!("cannot run programs for {target} under QEMU: they are this machine's own");
            return Err(Hinted::new(message, "`--target` names others").into());
        }
        let tracks = Mutex::new(Vec::new());
        let mut cells = Vec::new();
        for system in &self.systems {
            let mut qemus = Vec::new();
            for series in &self.series {
                match source.of_series(series, system.target())? {
                    Some(qemu) => qemus.push(qemu),
                    None => {
                        let target = system.target();
                        options.progress.note(&format!("{} has no QEMU for {target}", series.name));
                    }
                }
            }
            qemus.extend(files.get(&system.target()).into_iter().flatten().cloned());
            let with_cpu =
                |(qemu, program): (Qemu, Program)| (qemu.with_cpu(&options.cpu, system.target()), program);
            let qemus: Vec<_> = qemus.into_iter().map(with_cpu).collect();
            let run = Run { system, packages: &packages, known: &known, options, tracks: &tracks };
            cells.extend(run.all(&self.workloads, &qemus)?);
        }
        let tracks = base::unlock(tracks);
        Ok(Results { cells, native: self.native, left: before.changes(&tracks)?.ours })
    }

    /// The files that are QEMUs, by target; the systems are then those that they are for, unless others were named.
    fn files(&mut self, source: &Source<'_>) -> anyhow::Result<BTreeMap<Target, Vec<(Qemu, Program)>>> {
        let mut files: BTreeMap<Target, Vec<_>> = BTreeMap::new();
        for file in &self.files {
            let given = source.given(file)?;
            let targets: Vec<Target> = match given.target {
                Some(target) if self.systems.iter().all(|system| system.target() != target) => {
                    let file = file.display();
                    let message =
                        format!("cannot test {file}: it is for {target}, and no program that is to run is");
                    let hint = "`--target` chooses programs; `cargo xtask conformance --list` names those that there are";
                    return Err(Hinted::new(message, hint).into());
                }
                Some(target) => vec![target],
                // One that does not say what it is for is tried for what was asked for.
                None if self.names_targets => self.systems.iter().map(System::target).collect(),
                None => {
                    let message = format!("{} does not say what it is for", file.display());
                    return Err(Hinted::new(message, "name its target: `--target aarch64`").into());
                }
            };
            for target in targets {
                files.entry(target).or_default().push(given.qemu.clone());
            }
        }
        if files.is_empty() {
            return Ok(files);
        }
        if !self.names_targets {
            self.systems.retain(|system| files.contains_key(&system.target()));
        }
        let is_without = |system: &&System| !files.contains_key(&system.target());
        if self.series.is_empty()
            && let Some(system) = self.systems.iter().find(is_without)
        {
            let message = format!("no file is a QEMU for {}", system.target());
            return Err(Hinted::new(message, "`--series` names Debian's; `--target` chooses programs").into());
        }
        Ok(files)
    }
}

/// The run of one system.
struct Run<'a> {
    system: &'a System,
    packages: &'a Packages,
    known: &'a [Known],
    options: &'a Options<'a>,
    tracks: &'a Mutex<Vec<Track>>,
}

impl Run<'_> {
    /// Each workload under each QEMU.
    fn all(&self, workloads: &[Workload], qemus: &[(Qemu, Program)]) -> anyhow::Result<Vec<Cell>> {
        let Options { parallel, progress, explain, .. } = self.options;
        let name = self.system.name();
        let task = progress.step(&format!("unpacking packages for {name} ({})", self.system.suite));
        let roots = Roots::new(self.packages, self.system);
        let of_each: Vec<Result<Root, Outcome>> = workloads
            .iter()
            .map(|workload| match &roots {
                Ok(roots) => roots.of(workload).map_err(|reason| match reason {
                    NoRoot::Absent(reason) => Outcome::Absent(reason),
                    NoRoot::Failed(error) => Outcome::Failed(explain(&error)),
                }),
                Err(error) => Err(Outcome::Failed(explain(error))),
            })
            .collect();
        drop(task);
        // The QEMUs of a workload run one after the other, so that their times are comparable.
        let each = workloads.iter().zip(&of_each);
        let runs: Vec<_> = each.flat_map(|each| qemus.iter().map(move |qemu| (each, qemu))).collect();
        let total = runs.len();
        let jobs = base::jobs(*parallel).get();
        let mut cells =
            base::pool(jobs, runs.iter().enumerate(), |(index, ((workload, root), (qemu, program)))| {
                let place = format!("{} for {name} under {}", workload.name, qemu.label());
                let task = progress.step(&format!("{place} ({} of {total})", index + 1));
                let result = match root {
                    Ok(root) => self.one(workload, root, program, qemu.cpu.as_deref()),
                    Err(outcome) => outcome.clone(),
                };
                drop(task);
                let cell = self.cell(workload, qemu, result);
                if let (Some(kind), Some(_)) = (cell.kind(), cell.failure()) {
                    progress.note(&format!("{place}: {kind}"));
                }
                Ok::<_, anyhow::Error>(cell)
            })?;
        for row in cells.chunk_by_mut(|a, b| a.workload == b.workload) {
            cell::mark_slow(row);
        }
        Ok(cells)
    }

    fn one(&self, workload: &Workload, root: &Root, qemu: &Program, cpu: Option<&str>) -> Outcome {
        let attempt =
            Attempt { packages: self.packages, target: self.system.target(), root, qemu, cpu, workload };
        let mut track = None;
        let ran = attempt::run(&attempt, &mut track);
        base::lock(self.tracks).extend(track);
        match ran {
            Err(error) => Outcome::Failed((self.options.explain)(&error)),
            Ok(ran) => {
                let (kind, reason) = ran.end.judge(workload.expected);
                Outcome::Ran { kind, reason, user: ran.user, elapsed: ran.elapsed }
            }
        }
    }

    fn cell(&self, workload: &Workload, qemu: &Qemu, result: Outcome) -> Cell {
        let (target, version) = (self.system.target(), qemu.version.as_deref());
        let known = self.known.iter().filter(|known| known.is_of(workload.name, target, version));
        let is_it = |known: &&Known| matches!(&result, Outcome::Ran { kind, .. } if known.has(*kind));
        let known = known.clone().find(is_it).or_else(|| known.clone().next());
        Cell {
            system: self.system.clone(),
            workload: workload.name,
            qemu: qemu.clone(),
            result,
            known: known.cloned(),
        }
    }
}

impl Results {
    /// The end of it, by the failures that are not known.
    pub fn end(&self) -> End {
        let failures = table::failures(&self.cells);
        End {
            left: self.left.clone(),
            failed: failures.len(),
            failures,
            tried: base::count(self.cells.len(), "workload", "workloads"),
        }
    }

    /// Known failures that are none any more, slow workloads, and those without packages.
    pub fn notes(&self) -> Vec<String> {
        table::notes(&self.cells)
    }

    /// The outcomes that are others than in `recorded`, of those that can be recorded.
    pub fn changes(&self, recorded: &results::Results) -> Vec<String> {
        record::changes(&self.cells, self.native, recorded)
    }

    /// Those that can be recorded: of Debian's QEMUs with their own CPU models. What could not be tried is none.
    pub fn recorded(&self) -> results::Results {
        record::of(&self.cells, self.native)
    }

    /// Workloads by QEMU, for each system.
    pub fn table(&self) -> String {
        table::text(&self.cells)
    }

    /// The same as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        table::json(&self.cells, &self.left)
    }
}
