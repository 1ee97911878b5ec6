//! `cargo xtask images`: from the lock to an image layout.

use std::time::SystemTime;

use anyhow::Context as _;
use publish::layout::{Layout, LayoutWriter};
use ship::Shipping;

use crate::cli::ImagesArgs;
use crate::context::{self, Site};
use builder::cache;
use builder::images::{self, BuildContext, Others};
use builder::packing::Level;
use builder::plan::{Plan, Selection};
use builder::summary;
use files::Draft;
use ui::{Stdout, Ui};

pub(crate) fn run(args: &ImagesArgs, ui: &Ui) -> anyhow::Result<()> {
    let started = SystemTime::now();
    let site = Site::open(&args.sources)?;
    let lock = site.lock(&args.host, ui)?;
    let selection = Selection {
        hosts: args.host.clone(),
        kinds: args.kind.clone(),
        targets: args.target.clone(),
        series: args.series.clone(),
        compression: args.compression.unwrap_or(site.config.compression),
        builds: site.config.builds.clone(),
    };
    // What others download is compressed once and downloaded often.
    let level = args.level.unwrap_or(if args.ship.push { Level::Best } else { Level::Quick });
    let plan = Plan::new(&site.config.hosts, &selection, &lock)?;
    let statements = args.attest.unwrap_or(site.config.attest);
    let way = args.ship.options(&site.build.cache_dir, started);
    way.check(statements)?;
    let outputs =
        [("--archive", args.archive.as_deref()), ("--digest-file", args.ship.digest_file.as_deref())];
    let stdout = Stdout::claim(args.json.then_some("--json"), &outputs)?;
    let output = std::path::absolute(&args.output)?;
    let limit = context::cache_limit(args.sources.cache_size)?;
    // All that may refuse is asked before minutes of work: the registry, the engine, and the places of files.
    let repository = args.repository.as_deref().unwrap_or(&site.config.repository);
    let shipping = Shipping::prepare(&way, args.dry_run, &plan, repository, ui)?;
    // What a push would upload is known only from what was built: that is done aside, and leaves nothing.
    let aside = (args.dry_run && args.ship.push).then(|| images::aside(&site.build.cache_dir)).transpose()?;
    let build = BuildContext {
        site: &site.build,
        lock: &lock,
        repository,
        output: aside.as_ref().map_or(output.as_path(), tempfile::TempDir::path),
        jobs: args.jobs,
        level,
        statements,
        trace: context::trace(),
        leave: &|| shipping.check(),
    };
    let others = Others::of(&selection, &site.config.hosts, &lock, args.prune);
    if args.dry_run && aside.is_none() {
        ui::print(&(images::dry_run(&plan, &build) + &images::going(&plan, &others, build.output)?))?;
        return Ok(());
    }
    let work = format!("a first build for {}", base::count(plan.hosts().len(), "host", "hosts"));
    if let Some(lack) = images::lack_of_room(&output, &work, images::bytes(&plan)) {
        ui.say(format!("warning: {lack}"));
    }
    let archive = args.archive.as_deref().filter(|_| !args.dry_run);
    let archive = archive.map(|path| anyhow::Ok((path, Draft::create(path)?))).transpose()?;
    let (built, changed) = images::build(&plan, &build, &others, &ui.shared())?;
    // Listing a large cache takes longer than a build that has nothing to do.
    if aside.is_none() && (changed || limit.is_some()) {
        let _step = ui.moment("making room in the cache");
        cache::bound(site.build.fetch.cache(), limit, started, ui)?;
    }
    let leaves = archive.is_some() || args.ship.load || args.ship.push;
    // Who opens the layout without need keeps another build from removing what no tag leads to.
    let mut writer = leaves.then(|| LayoutWriter::create(build.output)).transpose()?;
    if let Some(layout) = &writer {
        // An index over what was asked for alone may have no tag in the layout. It goes when it has left.
        for index in &built.indexes {
            layout.put(&index.blob)?;
        }
    }
    if let Some((path, mut draft)) = archive {
        let _step = ui.step(format!("writing {}", path.display()));
        ship::archive(&built, &Layout::open(build.output)?, repository, &mut draft)
            .with_context(|| format!("cannot write {}", path.display()))?;
        draft.finish()?;
    }
    build.trace.finish()?;
    let partial = !args.host.is_empty();
    let written = Layout::open(build.output)?;
    let shipped = shipping.run(&built, &written, &site.config.repository, partial, ui)?;
    if let Some(layout) = &mut writer {
        images::clear(&built, layout)?;
    }
    let text = if args.json {
        summary::json(&built, &shipped, repository, &output)?
    } else {
        summary::table(&built)
    };
    stdout.result(&text, ui)?;
    ui.note(match (&aside, changed) {
        (Some(_), _) => format!("nothing was written to {}: this was a dry run", output.display()),
        (None, true) => format!("wrote {}", output.display()),
        (None, false) => format!("nothing changed in {}", output.display()),
    });
    Ok(())
}
