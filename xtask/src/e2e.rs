//! `cargo xtask e2e`: the ways of using qus, each tried on real engines and a real kernel.

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::bail;
use arch::Host;
use debian::lock::Lock;
use e2e::machines::{self, Machines};
use e2e::second_stage::Systems;
use e2e::{Jobs, Options, Place};
use suite::Wanted;

use crate::cli::full::E2eArgs;
use crate::context;
use crate::error;
use crate::testing;
use ui::Ui;

pub(crate) fn run(args: &E2eArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    if args.markdown {
        ui::print(&e2e::setups())?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.machines {
        return machines(args, ui);
    }
    if args.second_stage {
        return second_stage(args, ui);
    }
    let native = native()?;
    let workspace = context::workspace()?;
    let lock = Lock::load(&testing::lock_path(&workspace))?;
    let selected = Jobs::all(native, &lock).select(&args.jobs)?;
    if args.list {
        ui::print(&match args.json {
            true => selected.list_json(&args.engine)?,
            false => selected.list(&args.engine),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let own = || Ok(workspace.join(testing::IMAGES));
    let layout = args.layout.as_deref().map_or_else(own, std::path::absolute)?;
    if args.layout.is_some() {
        selected.check(&layout, &lock)?;
    }
    if let Some(reason) = testbed::missing() {
        bail!("no job can run on this machine: {reason}");
    }

    let opened = SystemTime::now();
    let limit = context::cache_limit(args.sources.cache_size)?;
    let assets = workspace.join(testing::ASSETS);
    let wanted = Wanted {
        images: args.layout.is_none() && selected.need_images(),
        assets: selected.need_assets(),
        // Images that are there were made from the lock that is there.
        relock: args.layout.is_none(),
    };
    let real = testing::real(wanted, &args.sources, ui)?;
    // The lock that the images are made from may be a newer one.
    let selected = Jobs::all(native, &real.lock).select(&args.jobs)?;
    let show = |transcript: &str| match args.json {
        true => {
            ui.note(transcript.trim_end());
            Ok(())
        }
        false if ui.is_quiet() => Ok(()),
        false => ui::print(transcript),
    };
    let options = Options {
        engines: &args.engine,
        sabotage: args.sabotage,
        parallel: args.parallel,
        progress: ui,
        show: &show,
        explain: error::render,
    };
    let results =
        selected.run(&Place { site: &real.site.build, layout: &layout, assets: &assets }, &options)?;
    real.bound_cache(limit, opened, ui)?;

    ui::print(&if args.json { results.json()? } else { results.table() })?;
    for change in results.changed_by_others() {
        ui.say(format!("note: changed meanwhile, by others: {change}"));
    }
    let count = base::count(results.count(), "job", "jobs");
    // Each job has printed what was wrong.
    Ok(conclude(&[], results.left(), results.failed(), &count, ui))
}

/// The same for machines with kernels of their own.
fn machines(args: &E2eArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let selected = Machines::select(&args.jobs)?;
    if args.list {
        ui::print(&selected.list())?;
        if args.jobs.is_empty() {
            ui::print(&format!("\n{}", machines::matrix()))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let options = machines::Options {
        sabotage: args.sabotage,
        parallel: args.parallel,
        progress: ui,
        explain: error::render,
    };
    let results = on_images(args, ui, |place| selected.run(place, &options))?;
    match args.json {
        true => ui::print(&results.json()?)?,
        false if args.jobs.is_empty() => ui::print(&format!("{}\n{}", results.table(), machines::matrix()))?,
        false => ui::print(&results.table())?,
    }
    let count = base::count(results.count(), "machine", "machines");
    Ok(conclude(&results.failures(), results.left(), results.failed(), &count, ui))
}

/// The same for systems that are installed under `run`.
fn second_stage(args: &E2eArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let selected = Systems::select(&args.jobs)?;
    if args.list {
        ui::print(&selected.list())?;
        return Ok(ExitCode::SUCCESS);
    }
    let native = native()?;
    let results = on_images(args, ui, |place| selected.run(native, place, ui, error::render))?;
    ui::print(&if args.json { results.json()? } else { results.table() })?;
    let count = base::count(results.count(), "second stage", "second stages");
    Ok(conclude(&results.failures(), results.left(), results.failed(), &count, ui))
}

/// Does `work` on the images of the layout that was given, or on those of the tests, which are brought up to date.
fn on_images<T>(
    args: &E2eArgs,
    ui: &Ui,
    work: impl FnOnce(&machines::Place<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if let Some(reason) = testbed::missing() {
        bail!("no job can run on this machine: {reason}");
    }
    let opened = SystemTime::now();
    let limit = context::cache_limit(args.sources.cache_size)?;
    let own = || Ok(context::workspace()?.join(testing::IMAGES));
    let layout =
        args.layout.as_deref().map_or_else(own, |path| Ok::<_, anyhow::Error>(std::path::absolute(path)?))?;
    let wanted = Wanted { images: args.layout.is_none(), assets: false, relock: args.layout.is_none() };
    let real = testing::real(wanted, &args.sources, ui)?;
    let results = work(&machines::Place { site: &real.site.build, layout: &layout, lock: &real.lock })?;
    real.bound_cache(limit, opened, ui)?;
    Ok(results)
}

/// This machine, as a host.
pub(crate) fn native() -> anyhow::Result<Host> {
    Host::native()
        .map_err(|_| anyhow::anyhow!("qus has no images for this machine ({})", std::env::consts::ARCH))
}

/// The last lines, the `failures` first, and the exit code: success if none `failed`, and nothing of this machine was `left`
/// changed.
pub(crate) fn conclude(
    failures: &[String],
    left: &[String],
    failed: usize,
    count: &str,
    ui: &Ui,
) -> ExitCode {
    for failure in failures {
        ui.say(format!("error: {failure}"));
    }
    for change in left {
        ui.say(format!("error: the machine is not as it was before: {change}"));
    }
    if failed > 0 {
        ui.say(format!("error: {failed} of {count} failed"));
    }
    if failed == 0 && left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
