//! `cargo xtask release`: the files of a release, beside the images.

use std::time::SystemTime;

use builder::{cache, images};
use release::{ReleaseContext, summary};

use crate::cli::full::ReleaseArgs;
use crate::context::{self, Site};
use crate::manual;
use builder::Statements;
use ui::Ui;

pub(crate) fn run(args: &ReleaseArgs, ui: &Ui) -> anyhow::Result<()> {
    let started = SystemTime::now();
    let site = Site::open(&args.sources)?;
    let images = images::BuildContext {
        site: &site.build,
        lock: &site.lock(&args.host, ui)?,
        repository: &site.config.repository,
        output: &std::path::absolute(&args.layout)?,
        jobs: args.jobs,
        level: args.level,
        // Files of a release are taken out of images that nobody gets.
        statements: Statements::None,
        trace: context::trace(),
        leave: &builder::always,
    };
    let release = ReleaseContext {
        images: &images,
        configured: &site.config.hosts,
        hosts: args.host.clone(),
        targets: args.target.clone(),
        output: std::path::absolute(&args.output)?,
        extras: manual::extras()?,
    };
    if args.dry_run {
        return Ok(ui::print(&summary::dry_run(&release::names(&release)?, &release.output))?);
    }
    let limit = context::cache_limit(args.sources.cache_size)?;
    let assets = release::write(&release, &ui.shared())?;
    if assets.changed() || limit.is_some() {
        cache::bound(site.build.fetch.cache(), limit, started, ui)?;
    }
    ui::print(&if args.json { summary::json(&assets)? } else { summary::table(&assets) })?;
    images.trace.finish()?;
    ui.note(summary::verdict(&assets));
    Ok(())
}
