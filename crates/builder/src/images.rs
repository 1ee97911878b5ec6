//! One build: every image that a plan has, in a layout.

mod dry_run;
mod finish;
mod room;

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::Context as _;
use arch::Host;
use debian::lock::Lock;
use debian::progress::Progress;
use publish::layout::LayoutWriter;

use crate::build::{Builder, Built};
use crate::packing::Level;
use crate::plan::Plan;
use crate::statements::Statements;
use crate::trace::Trace;
use crate::{Leave, Site, cross};
pub use dry_run::dry_run;
pub use finish::{Others, clear, going};
pub use room::{bytes, lack_of_room};

/// The context of a build: the sources of images, their place, and the way of making them.
pub struct BuildContext<'a> {
    /// The place.
    pub site: &'a Site,
    /// The packages.
    pub lock: &'a Lock,
    /// The name that the images get.
    pub repository: &'a str,
    /// The layout's directory.
    pub output: &'a Path,
    /// The number of binaries that are compressed at a time; `None` stands for the number of cores.
    pub jobs: Option<NonZero<usize>>,
    /// The level of compression of binaries.
    pub level: Level,
    /// The statements about the images.
    pub statements: Statements,
    /// The record of where the time goes.
    pub trace: Trace,
    /// Asked before the first work that takes long, which it may forbid, and maybe more than once; never if everything is
    /// there.
    pub leave: &'a Leave<'a>,
}

/// Builds `plan` into the layout, beside what becomes of `others` there; true if that changed anything.
pub fn build(
    plan: &Plan,
    context: &BuildContext<'_>,
    others: &Others<'_>,
    progress: &Arc<dyn Progress>,
) -> anyhow::Result<(Built, bool)> {
    if !context.output.exists() {
        // What lacks everything is not begun in vain.
        (context.leave)()?;
    }
    // The output is opened first: what it may refuse, it refuses before minutes of work.
    let mut layout = LayoutWriter::create(context.output)?;
    if let Others::Keep { .. } = others {
        finish::check_kept(plan, &layout)?;
    }
    let mut built = build_untagged(plan, context, &layout, progress)?;
    let _span = context.trace.span("finish", || "tags, and blobs without one".to_owned());
    let _step = progress.moment("setting tags, and removing blobs without one");
    let changed = finish::finish(plan, &mut built, others, context, &mut layout, progress.as_ref())?;
    Ok((built, changed))
}

/// Builds `plan` into `layout`, whose tags stay as they are.
pub fn build_untagged(
    plan: &Plan,
    context: &BuildContext<'_>,
    layout: &LayoutWriter,
    progress: &Arc<dyn Progress>,
) -> anyhow::Result<Built> {
    let hosts = needs_programs(plan);
    let builder = Builder {
        lock: context.lock,
        fetch: &context.site.fetch,
        mirror: &context.site.mirror,
        layout,
        cache_dir: &context.site.cache_dir,
        jobs: base::jobs(context.jobs),
        level: context.level,
        statements: context.statements,
        progress,
        trace: &context.trace,
        leave: context.leave,
    };
    thread::scope(|scope| {
        // Compiling leaves cores idle that compressing uses, and the other way round.
        let programs = scope.spawn(|| {
            let _span = context.trace.span("register", || "register".to_owned());
            cross::programs(&hosts, context.site, context.leave, progress.as_ref())
        });
        let built = || programs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        builder.run(plan, built)
    })
}

/// The hosts with an image that holds a program of ours.
fn needs_programs(plan: &Plan) -> Vec<Host> {
    let with_program = |host: &Host| {
        plan.images.iter().any(|image| image.host == *host && image.content.programs().next().is_some())
    };
    plan.hosts().into_iter().filter(with_program).collect()
}

/// A folder for a build that leaves nothing, where the layers of the cache can be linked into it. The next run that makes
/// room in the cache removes what a killed one left.
pub fn aside(cache_dir: &Path) -> anyhow::Result<tempfile::TempDir> {
    let blobs = cache_dir.join("blobs");
    std::fs::create_dir_all(&blobs)
        .and_then(|()| tempfile::Builder::new().prefix(".dry-run-").tempdir_in(&blobs))
        .with_context(|| format!("cannot write to {}", blobs.display()))
}
