//! debootstrap's second stage under `run`: Debian installs itself for other machines where nothing is registered.
//!
//! A system (`rows`) is put together as debootstrap's first stage does it, from packages that were verified. The second stage
//! consists of programs of that machine alone, some thousands, shells and perl and dpkg with their children (`system`); `end`
//! says whether it did what it should. It takes minutes for each system, so it is run only when it is asked for.

mod end;
mod rows;
mod system;

use arch::{Host, UnknownName};
use debian::Progress;
use serde::Serialize;

pub use crate::machines::Place;

use crate::End;
use crate::machine::{Snapshot, Track};
use crate::{given, stage};
use rows::Row;
use system::{Installed, Parts, Stage};

/// Systems, in the order of the documentation.
pub struct Systems(Vec<Row>);

/// The results of systems.
pub struct Results {
    systems: Vec<(Row, Result<Installed, String>)>,
    left: Vec<String>,
}

impl Systems {
    /// The systems of these targets; all of them if there are none.
    pub fn select(names: &[String]) -> Result<Systems, UnknownName> {
        rows::select(names).map(Systems)
    }

    /// A line for each.
    pub fn list(&self) -> String {
        let mut lines = vec![["TARGET", "ARCHITECTURE", "SUITE"]];
        lines.extend(self.0.iter().map(|row| [row.target().name(), row.host().debian(), row.suite]));
        base::table(&lines.into_iter().map(|line| line.map(str::to_owned)).collect::<Vec<_>>())
    }

    /// Installs one after the other, on a machine like `native`, and looks at the machine before and after.
    pub fn run(
        &self,
        native: Host,
        place: &Place<'_>,
        progress: &dyn Progress,
        explain: fn(&anyhow::Error) -> String,
    ) -> anyhow::Result<Results> {
        anyhow::ensure!(native.has_run(), "there is no `run` for {native}");
        let &Place { site, layout, lock } = place;
        given::check(layout, lock, self.0.iter().map(|row| row.image(native)))?;
        let before = Snapshot::take()?;
        let packages = stage::packages(site)?;
        let parts = Parts { packages: &packages, layout, lock, progress };
        let mut tracks: Vec<Track> = Vec::new();
        let mut systems = Vec::new();
        for row in &self.0 {
            let mut track = None;
            let result = system::install(*row, native, &parts, &mut track);
            systems.push((*row, result.map_err(|error| explain(&error))));
            tracks.extend(track);
        }
        Ok(Results { systems, left: before.changes(&tracks)?.ours })
    }
}

#[derive(Default, Serialize)]
struct StageJson<'a> {
    target: &'a str,
    architecture: &'a str,
    suite: &'a str,
    qemu: Option<&'a str>,
    mode: Option<&'a str>,
    /// True if `run` takes this mode by itself.
    auto: bool,
    passed: bool,
    seconds: Option<f64>,
    /// The number of packages that were installed.
    packages: Option<usize>,
    failure: Option<&'a str>,
}

impl Results {
    /// The end of it; a system that got to no second stage counts as one.
    pub fn end(&self) -> End {
        let stages = |system: &Result<Installed, _>| system.as_ref().map_or(1, |system| system.stages.len());
        let failures = self.failures();
        End {
            left: self.left.clone(),
            failed: failures.len(),
            failures,
            tried: base::count(
                self.systems.iter().map(|(_, system)| stages(system)).sum(),
                "second stage",
                "second stages",
            ),
        }
    }

    /// Each failure, with its system.
    fn failures(&self) -> Vec<String> {
        let each = self.systems.iter().flat_map(|(row, system)| match system {
            Err(error) => vec![format!("{}: {error}", row.target())],
            Ok(system) => {
                let failed = |stage: &Stage| {
                    let reason = stage.result.as_ref().err()?;
                    Some(format!("{}, {}: {reason}", row.target(), stage.mode))
                };
                system.stages.iter().filter_map(failed).collect()
            }
        });
        each.collect()
    }

    /// Mode by system.
    pub fn table(&self) -> String {
        let mut lines = vec![["TARGET", "SYSTEM", "QEMU", "MODE", "", "PACKAGES"].map(str::to_owned)];
        for (row, system) in &self.systems {
            let names = [row.target().to_string(), format!("{} {}", row.suite, row.host().debian())];
            let line = |cells: [String; 4]| -> [String; 6] {
                let mut cells = names.clone().into_iter().chain(cells);
                std::array::from_fn(|_| cells.next().unwrap_or_default())
            };
            match system {
                Err(_) => lines.push(line(["-".into(), "-".into(), "FAILED".into(), "-".into()])),
                Ok(system) => lines.extend(system.stages.iter().map(|stage| {
                    let mode =
                        if stage.is_auto { format!("{} (auto)", stage.mode) } else { stage.mode.to_owned() };
                    let end = if stage.result.is_ok() { "ok" } else { "FAILED" };
                    let count = stage.result.as_ref().map_or("-".to_owned(), ToString::to_string);
                    line([
                        system.qemu.clone(),
                        mode,
                        format!("{end} {:.0} s", stage.time.as_secs_f64()),
                        count,
                    ])
                })),
            }
        }
        base::table(&lines)
    }

    /// The same as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        let mut stages = Vec::new();
        for (row, system) in &self.systems {
            let none = StageJson {
                target: row.target().name(),
                architecture: row.host().debian(),
                suite: row.suite,
                ..StageJson::default()
            };
            match system {
                Err(error) => stages.push(StageJson { failure: Some(error), ..none }),
                Ok(system) => stages.extend(system.stages.iter().map(|stage| StageJson {
                    qemu: Some(&system.qemu),
                    mode: Some(stage.mode),
                    auto: stage.is_auto,
                    passed: stage.result.is_ok(),
                    seconds: Some(stage.time.as_secs_f64()),
                    packages: stage.result.as_ref().ok().copied(),
                    failure: stage.result.as_ref().err().map(String::as_str),
                    ..none
                })),
            }
        }
        let json = serde_json::json!({ "stages": stages, "changes": self.left });
        serde_json::to_string_pretty(&json).map(|text| text + "\n")
    }
}
