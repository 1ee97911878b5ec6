//! `cargo xtask images`: from the lock to an image layout.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;
use arch::Host;
use debian::lock::Role;
use oci::spec::Platform;
use publish::archive::{self, Named};
use publish::layout::Layout;

use crate::cache;
use crate::cli::ImagesArgs;
use crate::context::{self, Site};
use crate::report;
use crate::ship;
use crate::ui::{self, Ui, size};
use builder::build::Built;
use builder::images::{self, Order};
use builder::packing::Level;
use builder::plan::{Content, Plan, Selection};
use files::Draft;

pub(crate) fn run(args: &ImagesArgs) -> anyhow::Result<()> {
    let ui = Ui::new();
    let started = SystemTime::now();
    let site = Site::open(&args.sources)?;
    let lock = site.lock()?;
    let selection = Selection {
        hosts: args.host.clone(),
        kinds: args.kind.clone(),
        targets: args.target.clone(),
        compression: args.compression.unwrap_or(site.config.compression),
    };
    // What others download is compressed once and downloaded often.
    let level = args.level.unwrap_or(if args.ship.push { Level::Best } else { Level::Quick });
    let plan = Plan::new(&site.config.hosts, &selection, &lock)?;
    let order = Order {
        site: &site.build,
        lock: &lock,
        repository: args.repository.as_deref().unwrap_or(&site.config.repository),
        output: &std::path::absolute(&args.output)?,
        jobs: args.jobs,
        level,
        trace: context::trace(),
    };
    // What a push would upload is known only from what was built, which stays on this machine.
    if args.dry_run && !args.ship.push {
        ui::print(&dry_run(&plan, &order))?;
        return Ok(());
    }
    let limit = context::cache_limit(args.sources.cache_size)?;
    let (built, changed) = images::build(&plan, &order, &ui.shared())?;
    // Listing a large cache takes longer than a build that has nothing to do.
    if changed || limit.is_some() {
        cache::bound(site.build.fetch.cache(), limit, started, &ui)?;
    }
    if let Some(path) = &args.archive {
        write_archive(path, &built, &order, &ui)?;
    }
    let shipped = ship::run(
        &args.ship,
        args.dry_run,
        &built,
        &order,
        &site.config.repository,
        !args.host.is_empty(),
        &ui,
    )?;
    let text = if args.json {
        report::json(&built, &shipped, order.repository, order.output)?
    } else {
        report::table(&built)
    };
    ui::print(&text)?;
    order.trace.finish()?;
    let verb = if changed { "wrote" } else { "nothing changed in" };
    ui.note(format!("{verb} {}", order.output.display()));
    Ok(())
}

/// One tar for `docker load`: every index that was built, with the amd64 image for engines that can hold one only.
fn write_archive(path: &Path, built: &Built, order: &Order<'_>, ui: &Ui) -> anyhow::Result<()> {
    let _step = ui.step(format!("writing {}", path.display()));
    let named: Vec<Named> = built
        .indexes
        .iter()
        .flat_map(|index| {
            index.plan.tags.iter().map(|tag| Named {
                repository: order.repository.to_owned(),
                tag: tag.clone(),
                descriptor: index.descriptor.clone(),
            })
        })
        .collect();
    let platform = classic_platform(built)?;
    let mut draft = Draft::create(path)?;
    archive::write(&Layout::open(order.output)?, &named, &platform, &mut draft)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(draft.finish()?)
}

/// The platform that a classic Docker store gets: this machine's if it was built, or else the first that was.
fn classic_platform(built: &Built) -> anyhow::Result<Platform> {
    let hosts: Vec<Host> = built.images.iter().map(|image| image.plan.host).collect();
    let native = Host::native().ok();
    let host = native.filter(|host| hosts.contains(host)).or(hosts.first().copied());
    Ok(host.context("an archive has at least one image")?.platform().into())
}

/// What a run would fetch, build and tag.
fn dry_run(plan: &Plan, order: &Order<'_>) -> String {
    let Order { site: builder::Site { fetch, mirror, .. }, lock, repository, output, .. } = order;
    let wanted = |package: &debian::lock::Package| {
        plan.images.iter().filter(|image| image.host == package.host).any(|image| {
            let program = match image.content {
                Content::Kind(kind) => kind.has_qemu() && package.targets().any(is_current),
                Content::Single(target) => package.targets().any(|other| other == target),
            };
            program || (image.content.has_register() && package.role == Role::Busybox)
        })
    };
    let mut text = format!("would fetch from {mirror} ({}):\n", mirror.origin());
    let mut total = 0;
    let mut rows = vec![["PACKAGE", "VERSION", "HOST", "SUITE", "TARGETS", "SIZE", ""].map(str::to_owned)];
    for package in lock.packages().iter().filter(|package| wanted(package)) {
        let cached = fetch.cache().get(package.size, &package.digest).ok().flatten().is_some();
        if !cached {
            total += package.size;
        }
        rows.push([
            package.name.clone(),
            package.version.clone(),
            package.host.to_string(),
            package.suite.clone(),
            package.targets().count().to_string(),
            size(package.size),
            if cached { "in the cache".to_owned() } else { String::new() },
        ]);
    }
    text.push_str(&base::table(&rows));
    text.push_str(&format!("{} to download\n\nwould build into {}:\n", size(total), output.display()));
    let mut counts: BTreeMap<Host, usize> = BTreeMap::new();
    for image in &plan.images {
        *counts.entry(image.host).or_default() += 1;
    }
    for (host, count) in counts {
        text.push_str(&format!("  {host}: {count} images ({})\n", host.platform()));
    }
    text.push_str(&format!("\nwould tag in {repository}:\n"));
    let images = plan.images.iter().map(|image| image.tags.as_slice());
    for tags in images.chain(plan.indexes.iter().map(|index| index.tags.as_slice())) {
        if !tags.is_empty() {
            text.push_str(&format!("  {}\n", tags.join(", ")));
        }
    }
    text
}

fn is_current(target: arch::Target) -> bool {
    target.status() == arch::Status::Current
}
