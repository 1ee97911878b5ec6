//! The ways of using qus, each tried on real engines and a real kernel.
//!
//! A job is what a user types and what must come of it (`job`). The seventeen setups of the documentation are rows of facts
//! (`setup`) that jobs are made of (`compose`); there are more jobs (`extra`), those of `run` (`run_program`), and one for each host's image (`hosts`). Each
//! runs (`run`) in a sandbox with its own binfmt_misc and its own engine, with what it needs (`stage`). Nothing of the machine
//! is changed, and that is checked at the end (`machine`). `report` is what is printed, [`End`] what it comes to. [`machines`] have kernels of their own, [`second_stage`]
//! installs whole systems, and [`conformance`] runs real programs under each QEMU.
//!
//! This crate builds no images and fetches nothing but Debian's packages for the sandboxes: what is tried is given to it.

mod compose;
pub mod conformance;
mod end;
mod extra;
mod given;
mod hosts;
mod job;
mod machine;
pub mod machines;
mod matrix;
mod report;
mod run;
mod run_program;
pub mod second_stage;
mod setup;
mod shop;
mod stage;

use std::num::NonZero;
use std::path::Path;
use std::time::{Duration, Instant};

use arch::{Host, UnknownName};
use debian::Progress;
use debian::lock::Lock;
use testbed::Engine;

pub use end::End;
use job::{Job, Needs};
use machine::{Changes, Snapshot};
use run::{Outcome, Sabotage};
use stage::Fixtures;

/// The seventeen setups as docs/setups.md shows them, wherever it is written: their table, and the commands of each on
/// the machine that most people have.
pub fn setups() -> String {
    report::markdown(&compose::jobs(shop::host("amd64")))
}

/// Their table, as the README shows it.
pub fn setups_table() -> String {
    setup::table()
}

/// Jobs, in the order of the documentation.
pub struct Jobs(Vec<Job>);

/// The things that jobs are tried on.
pub struct Place<'a> {
    /// The place that the sandboxes' packages come from and are kept in.
    pub site: &'a builder::Site,
    /// The layout with qus's images.
    pub layout: &'a Path,
    /// The folder with the release's files.
    pub assets: &'a Path,
}

/// The settings of a run of jobs.
pub struct Options<'a> {
    /// The engines that were asked for. If empty, the first for every job, and the others where they differ.
    pub engines: &'a [Engine],
    /// Test the test: remove all entries before each foreign program is run, so that jobs have to fail.
    pub sabotage: bool,
    /// The number of jobs that run at the same time; `None` stands for the number of cores.
    pub parallel: Option<NonZero<usize>>,
    /// Hears which job runs.
    pub progress: &'a dyn Progress,
    /// Takes the transcript of each job when it is over.
    pub show: &'a (dyn Fn(&str) -> std::io::Result<()> + Sync),
    /// Words the error that a job failed with.
    pub explain: fn(&anyhow::Error) -> String,
}

/// The outcomes of jobs.
pub struct Results {
    outcomes: Vec<Outcome>,
    changes: Changes,
    elapsed: Duration,
}

impl Jobs {
    /// Every job on a machine like `native`; `lock` says which programs the images of other hosts have.
    pub fn all(native: Host, lock: &Lock) -> Jobs {
        let mut jobs = compose::jobs(native);
        jobs.extend(extra::jobs(native));
        jobs.extend(run_program::jobs(native));
        jobs.extend(hosts::jobs(native, lock));
        Jobs(jobs)
    }

    /// Those with these names; all of them if there are none.
    pub fn select(self, names: &[String]) -> Result<Jobs, UnknownName> {
        if names.is_empty() {
            return Ok(self);
        }
        let all = &self.0;
        let job = |name: &String| {
            let found = all.iter().find(|job| job.name == *name).cloned();
            found.ok_or_else(|| UnknownName::new("job", name, all.iter().map(|job| job.name.as_str())))
        };
        names.iter().map(job).collect::<Result<_, _>>().map(Jobs)
    }

    /// Fails if `layout` lacks an image that a job needs, or has one that was made from another lock.
    pub fn check(&self, layout: &Path, lock: &Lock) -> anyhow::Result<()> {
        let images = self.0.iter().flat_map(|job| job.needs.images.iter().chain(&job.needs.unpacked));
        given::check(layout, lock, images.copied())
    }

    /// True if any job needs images.
    pub fn need_images(&self) -> bool {
        self.need(|needs| !needs.images.is_empty() || needs.unpacked.is_some())
    }

    /// True if any job needs files of a release.
    pub fn need_assets(&self) -> bool {
        self.need(|needs| !needs.assets.is_empty())
    }

    fn need(&self, wanted: fn(&Needs) -> bool) -> bool {
        self.0.iter().any(|job| wanted(&job.needs))
    }

    /// Runs every job on each of its engines, several at a time, and looks at the machine before and after.
    pub fn run(&self, place: &Place<'_>, options: &Options<'_>) -> anyhow::Result<Results> {
        let before = Snapshot::take()?;
        let started = Instant::now();
        let outcomes = self.perform(place, options)?;
        let elapsed = started.elapsed();
        let tracks: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.track.clone()).collect();
        Ok(Results { changes: before.changes(&tracks)?, outcomes, elapsed })
    }

    fn perform(&self, place: &Place<'_>, options: &Options<'_>) -> anyhow::Result<Vec<Outcome>> {
        let Options { engines, sabotage, parallel, progress, show, explain } = options;
        let Place { site, layout, assets } = place;
        let runs: Vec<(&Job, Option<Engine>)> = self.runs(engines).collect();
        let sabotage = if *sabotage { Sabotage::RemoveEntries } else { Sabotage::None };
        let total = runs.len();
        let fixtures = Fixtures { packages: stage::packages(site)?, layout, assets, explain: *explain };
        base::pool(base::jobs(*parallel).get(), runs.iter().enumerate(), |(index, (job, engine))| {
            let on = report::engine(*engine);
            let task = progress.step(&format!("{} on {on} ({} of {total})", job.name, index + 1));
            let outcome = run::run(job, *engine, &fixtures, sabotage);
            drop(task);
            show(&report::block(&outcome))?;
            Ok(outcome)
        })
    }

    /// Each job with its engines.
    fn runs(&self, engines: &[Engine]) -> impl Iterator<Item = (&Job, Option<Engine>)> {
        self.0.iter().flat_map(|job| engines_of(job, engines).into_iter().map(move |engine| (job, engine)))
    }
}

/// The engines that `job` is run on if `asked` were asked for; `None` if it needs none, and then there is nothing to
/// repeat.
fn engines_of(job: &Job, asked: &[Engine]) -> Vec<Option<Engine>> {
    if !job.uses_engine() {
        return vec![None];
    }
    let engines = match asked {
        [] if job.engines_differ => &report::ENGINES[..],
        [] => &report::ENGINES[..1],
        asked => asked,
    };
    engines.iter().copied().map(Some).collect()
}

impl Results {
    /// The end of it; each job has printed what was wrong.
    pub fn end(&self) -> End {
        End {
            failures: Vec::new(),
            left: self.changes.ours.clone(),
            failed: self.outcomes.iter().filter(|outcome| outcome.failure.is_some()).count(),
            tried: base::count(self.outcomes.len(), "job", "jobs"),
        }
    }

    /// The changes meanwhile that no job can have made.
    pub fn changed_by_others(&self) -> &[String] {
        &self.changes.others
    }
}
