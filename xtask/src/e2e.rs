//! `cargo xtask e2e`: the ways of using qus, each tried on real engines and a real kernel.

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::bail;
use arch::Host;
use debian::lock::Lock;
use e2e::machines::{self, Machines};
use e2e::second_stage::Systems;
use e2e::{End, Jobs, Options, Place};
use suite::Wanted;

use crate::cli::full::E2eArgs;
use crate::context;
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
    if let Some(layout) = &args.layout {
        selected.check(&std::path::absolute(layout)?, &lock)?;
    }
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
        explain: crate::explain,
    };
    let assets = workspace.join(testing::ASSETS);
    let results = on_images(args, selected.need_images(), selected.need_assets(), ui, |place| {
        // The lock that the images are made from may be a newer one.
        let selected = Jobs::all(native, place.lock).select(&args.jobs)?;
        selected.run(&Place { site: place.site, layout: place.layout, assets: &assets }, &options)
    })?;
    ui::print(&if args.json { results.json()? } else { results.table() })?;
    for change in results.changed_by_others() {
        ui.say(format!("note: changed meanwhile, by others: {change}"));
    }
    Ok(conclude(&results.end(), ui))
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
        explain: crate::explain,
    };
    let results = on_images(args, true, false, ui, |place| selected.run(place, &options))?;
    match args.json {
        true => ui::print(&results.json()?)?,
        false if args.jobs.is_empty() => ui::print(&format!("{}\n{}", results.table(), machines::matrix()))?,
        false => ui::print(&results.table())?,
    }
    Ok(conclude(&results.end(), ui))
}

/// The same for systems that are installed under `run`.
fn second_stage(args: &E2eArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let selected = Systems::select(&args.jobs)?;
    if args.list {
        ui::print(&selected.list())?;
        return Ok(ExitCode::SUCCESS);
    }
    let native = native()?;
    let results = on_images(args, true, false, ui, |place| selected.run(native, place, ui, crate::explain))?;
    ui::print(&if args.json { results.json()? } else { results.table() })?;
    Ok(conclude(&results.end(), ui))
}

/// Does `work` on the images of the layout that was given, or on those of the tests, which are brought up to date if `images` are
/// needed; `assets` of a release are brought up to date, too.
fn on_images<T>(
    args: &E2eArgs,
    images: bool,
    assets: bool,
    ui: &Ui,
    work: impl FnOnce(&machines::Place<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if let Some(reason) = testbed::missing() {
        bail!("no job can run on this machine: {reason}");
    }
    let opened = SystemTime::now();
    let limit = context::cache_limit(args.sources.cache_size)?;
    let own = args.layout.is_none();
    let layout = match &args.layout {
        Some(layout) => std::path::absolute(layout)?,
        None => context::workspace()?.join(testing::IMAGES),
    };
    // Images that are there were made from the lock that is there.
    let wanted = Wanted { images: own && images, assets, relock: own };
    let real = testing::real(wanted, &args.sources, ui)?;
    let site = &real.site.build;
    let results = work(&machines::Place { site, layout: &layout, lock: &real.lock })?;
    suite::bound_cache(site.fetch.cache(), limit, opened, ui)?;
    Ok(results)
}

/// This machine, as a host.
pub(crate) fn native() -> anyhow::Result<Host> {
    Host::native()
        .map_err(|_| anyhow::anyhow!("qus has no images for this machine ({})", std::env::consts::ARCH))
}

/// The exit code, after the last lines: success if there are none.
pub(crate) fn conclude(end: &End, ui: &Ui) -> ExitCode {
    let lines = end.lines();
    for line in &lines {
        ui.say(line);
    }
    if lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
