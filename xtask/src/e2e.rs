//! `cargo xtask e2e`: the ways of using qus, each tried on real engines and a real kernel.
//!
//! A job is what a user types. It runs in a sandbox with its own binfmt_misc and its own engine; nothing of the machine
//! is changed, and that is checked at the end.

mod compose;
mod extra;
mod given;
mod hosts;
mod job;
mod machine;
mod matrix;
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
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, bail};
use arch::{Host, UnknownName};
use debian::lock::Lock;
use testbed::{Engine, Packages};

use crate::cli::full::E2eArgs;
use crate::context;
use crate::testing::{self, Real, Wanted};
use crate::ui::{self, Ui};
use job::{Job, Needs};
use run::{Outcome, Sabotage};
use stage::Stock;

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
    let native = Host::native()
        .map_err(|_| anyhow::anyhow!("qus has no images for this machine ({})", std::env::consts::ARCH))?;
    let workspace = context::workspace()?;
    let lock = Lock::load(&testing::lock_path(&workspace))?;
    let selected = select(&jobs(native, &lock), &args.jobs)?;
    if args.list {
        ui::print(&match args.json {
            true => report::list_json(&selected, &args.engine)?,
            false => report::list(&selected, &args.engine),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let own = workspace.join(testing::IMAGES);
    let layout = args.layout.as_deref().map_or_else(|| Ok(own.clone()), std::path::absolute)?;
    if args.layout.is_some() {
        given::check(&layout, &lock, &selected)?;
    }
    if let Some(reason) = testbed::missing() {
        bail!("no job can run on this machine: {reason}");
    }

    let (ui, opened) = (Ui::new(), SystemTime::now());
    let limit = context::cache_limit(args.sources.cache_size)?;
    let assets = workspace.join(testing::ASSETS);
    let needs = |wanted: fn(&Needs) -> bool| selected.iter().any(|job| wanted(&job.needs));
    let wanted = Wanted {
        images: args.layout.is_none() && needs(|needs| !needs.images.is_empty() || needs.unpacked.is_some()),
        assets: needs(|needs| !needs.assets.is_empty()),
        // Images that are there were made from the lock that is there.
        relock: args.layout.is_none(),
    };
    let real = testing::real(&workspace, &own, &assets, wanted, &args.sources, &ui)?;
    // The lock that the images are made from may be a newer one.
    let runs = runs(&select(&jobs(native, &real.lock), &args.jobs)?, &args.engine);
    let before = machine::Snapshot::take()?;
    let options = Options { sabotage: args.sabotage, json: args.json, parallel: args.parallel };
    let started = Instant::now();
    let outcomes = perform(&runs, &workspace, &layout, &assets, &real, &options, &ui)?;
    let elapsed = started.elapsed();
    let tracks: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.track.clone()).collect();
    let changes = before.changes(&tracks)?;
    real.bound_cache(limit, opened, &ui)?;

    if args.json {
        ui::print(&report::json(&outcomes, &changes)?)?;
    } else {
        ui::print(&report::table(&outcomes, elapsed))?;
    }
    for change in &changes.others {
        ui.note(format!("note: changed meanwhile, by others: {change}"));
    }
    for change in &changes.ours {
        ui.note(format!("error: the machine is not as it was before: {change}"));
    }
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    if failed > 0 {
        ui.note(format!("error: {failed} of {} jobs failed", outcomes.len()));
    }
    Ok(if failed == 0 && changes.ours.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

/// Each job with its engines: those that were asked for, or the first for every job and the others where they differ.
fn runs(jobs: &[Job], engines: &[Engine]) -> VecDeque<(Job, Option<Engine>)> {
    let of = |job: &Job| {
        engines_of(job, engines).into_iter().map(|engine| (job.clone(), engine)).collect::<Vec<_>>()
    };
    jobs.iter().flat_map(of).collect()
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

/// Performs `runs`, several at a time, and prints each when it is over.
fn perform(
    runs: &VecDeque<(Job, Option<Engine>)>,
    workspace: &Path,
    layout: &Path,
    assets: &Path,
    real: &Real,
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
        let builder::Site { fetch, mirror, cache_dir, .. } = &real.site.build;
        let packages = Packages::chosen(fetch.clone(), mirror.clone(), cache_dir, &keyrings)?;
        let stock = Stock { packages, layout, assets };
        loop {
            let next = queue.lock().ok().and_then(|mut queue| queue.next());
            let Some((index, (job, engine))) = next else { return Ok(()) };
            let on = report::engine(*engine);
            let task = ui.step(format!("{} on {on} ({} of {total})", job.name, index + 1));
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
