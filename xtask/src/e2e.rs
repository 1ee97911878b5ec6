//! `cargo xtask e2e`: the ways of using qus, each tried on real engines and a real kernel.
//!
//! A job is what a user types. It runs in a sandbox with its own binfmt_misc and its own engine; nothing of the machine
//! is changed, and that is checked at the end.

mod compose;
mod extra;
mod hosts;
mod job;
mod machine;
mod report;
mod run;
mod setup;
mod shop;
mod stage;

use std::collections::VecDeque;
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, bail};
use arch::{Host, UnknownName};
use clap::Args;
use debian::lock::Lock;
use testbed::{Engine, Packages};

use crate::context;
use crate::testing;
use crate::ui::{self, Ui};
use job::Job;
use run::{Outcome, Sabotage};
use stage::Stock;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask e2e                       every job on Docker 28, and those in which engines differ on the others
  cargo xtask e2e f F --engine podman   two jobs on podman
  cargo xtask e2e --list                what each job does
  cargo xtask e2e --list --json         the same for a program to read")]
pub(crate) struct E2eArgs {
    /// Jobs to run [default: all]
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// Run the jobs on this engine: docker20, docker28, docker28-containerd or podman (repeatable)
    #[arg(long, value_name = "ENGINE")]
    engine: Vec<Engine>,
    /// Print the jobs, and stop
    #[arg(long)]
    list: bool,
    /// Print the seventeen setups as the documentation shows them, and stop
    #[arg(long)]
    markdown: bool,
    /// Print the result, or with --list the jobs, as JSON
    #[arg(long)]
    json: bool,
    /// How many jobs to run at the same time [default: the number of cores]
    #[arg(long, value_name = "N")]
    parallel: Option<NonZero<usize>>,
    /// Test the test: remove all entries before each foreign program is run, so that jobs have to fail
    #[arg(long)]
    sabotage: bool,
}

/// The seventeen setups as docs/setups.md shows them, wherever it is written: their table, and what is typed for each on
/// the machine that most people have.
pub(crate) fn setups() -> String {
    report::markdown(&compose::jobs(shop::host("amd64")))
}

/// Their table, as the README shows it.
pub(crate) fn setups_table() -> String {
    setup::table()
}

pub(crate) fn run(args: &E2eArgs) -> anyhow::Result<ExitCode> {
    if args.markdown {
        ui::print(&setups())?;
        return Ok(ExitCode::SUCCESS);
    }
    let here = std::env::consts::ARCH;
    let native: Host =
        here.parse().map_err(|_| anyhow::anyhow!("qus has no images for this machine ({here})"))?;
    let workspace = context::workspace()?;
    let selected = select(&jobs(native, &Lock::load(&context::lock_path(&workspace))?), &args.jobs)?;
    if args.list {
        let listed: Vec<_> = selected.iter().map(|job| (job, engines(job, &args.engine))).collect();
        ui::print(&if args.json { report::list_json(&listed)? } else { report::list(&listed) })?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(reason) = testbed::missing() {
        bail!("no job can run on this machine: {reason}");
    }

    let ui = Ui::new();
    let layout = workspace.join("target/images");
    let assets = workspace.join(testing::ASSETS);
    let real = testing::real(&workspace, &layout, &assets, &ui)?;
    // The lock that the images are made from may be a newer one.
    let runs = runs(&select(&jobs(native, &real.lock), &args.jobs)?, &args.engine);
    let before = machine::Snapshot::take()?;
    let options = Options { sabotage: args.sabotage, json: args.json, parallel: args.parallel };
    let started = Instant::now();
    let outcomes = perform(&runs, &workspace, &layout, &assets, &options, &ui)?;
    let elapsed = started.elapsed();
    let changes = before.changes()?;

    if args.json {
        ui::print(&report::json(&outcomes, &changes)?)?;
    } else {
        ui::print(&report::table(&outcomes, elapsed))?;
    }
    for change in &changes {
        ui.note(format!("error: the machine is not as it was before: {change}"));
    }
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    if failed > 0 {
        ui.note(format!("error: {failed} of {} jobs failed", outcomes.len()));
    }
    Ok(if failed == 0 && changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Options {
    sabotage: bool,
    json: bool,
    parallel: Option<NonZero<usize>>,
}

/// Every job, in the order of the documentation; `lock` says which programs the images of other hosts have.
fn jobs(native: Host, lock: &Lock) -> Vec<Job> {
    let mut jobs = compose::jobs(native);
    jobs.extend(extra::jobs(native));
    jobs.extend(hosts::jobs(native, lock));
    jobs
}

fn select(all: &[Job], names: &[String]) -> Result<Vec<Job>, UnknownName> {
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    let job = |name: &String| {
        let found = all.iter().find(|job| job.name == *name).cloned();
        found.ok_or_else(|| UnknownName::new("job", name, all.iter().map(|job| job.name.as_str())))
    };
    names.iter().map(job).collect()
}

/// The engines of a job that uses one: those that were asked for, or all if they differ in it, or else the first.
fn engines<'a>(job: &Job, asked: &'a [Engine]) -> &'a [Engine] {
    match asked {
        _ if !job.uses_engine() => &[],
        [] if job.engines_differ => &report::ENGINES,
        [] => &report::ENGINES[..1],
        asked => asked,
    }
}

/// Each job with each of its engines.
fn runs(jobs: &[Job], asked: &[Engine]) -> VecDeque<(Job, Engine)> {
    let mut runs = VecDeque::new();
    let first = asked.first().unwrap_or(&report::ENGINES[0]);
    for job in jobs {
        let engines = match engines(job, asked) {
            // It runs all the same, and is told under one.
            [] => std::slice::from_ref(first),
            engines => engines,
        };
        runs.extend(engines.iter().map(|engine| (job.clone(), *engine)));
    }
    runs
}

/// Performs `runs`, several at a time, and prints each when it is over.
fn perform(
    runs: &VecDeque<(Job, Engine)>,
    workspace: &Path,
    layout: &Path,
    assets: &Path,
    options: &Options,
    ui: &Ui,
) -> anyhow::Result<Vec<Outcome>> {
    let keyrings = workspace.join("images/keyrings");
    let sabotage = if options.sabotage { Sabotage::RemoveEntries } else { Sabotage::None };
    let total = runs.len();
    let parallel = options.parallel.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let queue = Mutex::new(runs.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let work = || -> anyhow::Result<()> {
        let stock = Stock { packages: Packages::of_the_machine(&keyrings)?, layout, assets };
        loop {
            let next = queue.lock().ok().and_then(|mut queue| queue.next());
            let Some((index, (job, engine))) = next else { return Ok(()) };
            let task = ui.step(format!("{} on {engine} ({} of {total})", job.name, index + 1));
            let outcome = run::run(job, *engine, &stock, sabotage);
            drop(task);
            let block = report::block(&outcome);
            if options.json {
                ui.note(block.trim_end());
            } else {
                ui::print(&block)?;
            }
            if let Ok(mut done) = done.lock() {
                done.push((index, outcome));
            }
        }
    };
    thread::scope(|scope| {
        let handles: Vec<_> = (0..parallel.min(total)).map(|_| scope.spawn(work)).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a worker panicked"))))
            .collect::<anyhow::Result<Vec<()>>>()
    })?;
    let mut done = done.into_inner().ok().context("a worker panicked")?;
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, outcome)| outcome).collect())
}
