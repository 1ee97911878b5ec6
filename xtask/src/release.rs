//! `cargo xtask release`: the files of a release, beside the images.
//!
//! The tarballs are put together from what the images' layers hold compressed, so that no binary is compressed twice.
//! What is in the folder already and right stays untouched; `SHA256SUMS` comes last, and says what belongs to the release.

mod extras;
mod folder;
mod programs;
mod summary;
mod sums;
mod tarballs;

use std::path::PathBuf;
use std::time::SystemTime;

use arch::{Host, Target};
use publish::layout::{Layout, LayoutWriter};

use crate::cache;
use crate::cli::full::ReleaseArgs;
use crate::context::{self, Site};
use crate::ui::{self, Ui};
use builder::cross;
use builder::images;

use folder::Folder;
pub(crate) use folder::{Asset, Assets};

/// Which files to make, and where.
pub(crate) struct Order<'a> {
    /// From what; its `output` is the layout.
    pub(crate) images: &'a images::Order<'a>,
    /// The hosts that images.toml has.
    pub(crate) configured: &'a [Host],
    /// The hosts to make files for; empty stands for all that are configured.
    pub(crate) hosts: Vec<Host>,
    /// The targets to make files for; empty stands for all current ones.
    pub(crate) targets: Vec<Target>,
    pub(crate) output: PathBuf,
}

pub(crate) fn run(args: &ReleaseArgs) -> anyhow::Result<()> {
    let ui = Ui::new();
    let started = SystemTime::now();
    let site = Site::open(&args.sources)?;
    let images = images::Order {
        site: &site.build,
        lock: &site.lock()?,
        repository: &site.config.repository,
        output: &std::path::absolute(&args.layout)?,
        jobs: args.jobs,
        level: args.level,
        trace: context::trace(),
    };
    let order = Order {
        images: &images,
        configured: &site.config.hosts,
        hosts: args.host.clone(),
        targets: args.target.clone(),
        output: std::path::absolute(&args.output)?,
    };
    if args.dry_run {
        return Ok(ui::print(&summary::dry_run(&names(&order)?, &order.output))?);
    }
    let limit = context::cache_limit(args.sources.cache_size)?;
    let assets = make(&order, &ui)?;
    if assets.changed() || limit.is_some() {
        cache::bound(site.build.fetch.cache(), limit, started, &ui)?;
    }
    ui::print(&if args.json { summary::json(&assets)? } else { summary::table(&assets) })?;
    images.trace.finish()?;
    ui.note(summary::verdict(&assets));
    Ok(())
}

/// Makes the files of `order`. Those that are there already and right are not written again.
pub(crate) fn make(order: &Order<'_>, ui: &Ui) -> anyhow::Result<Assets> {
    let plan = tarballs::plan(order)?;
    // Both outputs are opened first: what they may refuse, they refuse before minutes of work.
    let folder = Folder::open(&order.output, ui)?;
    let layout = LayoutWriter::create(order.images.output)?;
    let built = images::make(&plan, order.images, &layout, &ui.shared())?;
    let reader = match Layout::open(layout.path()) {
        Ok(layout) => layout,
        // Layers without a tag are no layout yet.
        Err(_) => {
            layout.finish(order.images.repository, &[])?;
            Layout::open(layout.path())?
        }
    };
    let register = {
        let hosts: Vec<Host> = plan.hosts().into_iter().filter(|host| host.triple().is_some()).collect();
        cross::register(&hosts, order.images.site, ui)?
    };

    let step = ui.step(format!("writing {}", order.output.display()));
    let span = order.images.trace.span("release", || "files".to_owned());
    tarballs::write(order, &built, &reader, &folder)?;
    for (host, program) in &register {
        folder.put(&programs::register_name(*host), 0o755, &[program])?;
    }
    for (name, program) in programs::small(&order.targets)? {
        folder.put(&name, 0o755, &[&program])?;
    }
    let (script, text) = programs::SCRIPT;
    folder.put(script, 0o755, &[text.as_bytes()])?;
    for (name, bytes) in extras::files()? {
        folder.put(&name, 0o644, &[&bytes])?;
    }
    drop((span, step));
    folder.finish()
}

/// The names of the files of `order`, sorted, without `SHA256SUMS`.
fn names(order: &Order<'_>) -> anyhow::Result<Vec<String>> {
    let plan = tarballs::plan(order)?;
    let mut names: Vec<String> =
        tarballs::cells(order, &plan).map(|(host, target)| tarballs::name(host, target)).collect();
    names
        .extend(plan.hosts().into_iter().filter(|host| host.triple().is_some()).map(programs::register_name));
    names.extend(programs::small(&order.targets)?.into_iter().map(|(name, _)| name));
    names.push(programs::SCRIPT.0.to_owned());
    names.extend(extras::files()?.into_iter().map(|(name, _)| name));
    names.sort_unstable();
    Ok(names)
}
