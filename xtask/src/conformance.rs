//! `cargo xtask conformance`: real programs of Debian for other machines, under each QEMU.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::bail;
use debian::lock::Lock;
use e2e::conformance::{Options, Place, Selection, Suite};

use crate::cli::full::ConformanceArgs;
use crate::context::{self, Site};
use crate::e2e::{conclude, native};
use crate::{error, testing};
use ui::Ui;

pub(crate) fn run(args: &ConformanceArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let selection = Selection {
        targets: &args.target,
        workloads: &args.workload,
        series: &args.series,
        qemus: &args.qemu,
        suite: args.suite.as_deref(),
        is_quick: args.quick,
    };
    let lock = Lock::load(&testing::lock_path(&context::workspace()?))?;
    let selected = Suite::select(&selection, &lock, native()?)?;
    // What comes of it is to choose between the newest and others, whatever was chosen before.
    let lock = lock.without_choices();
    if args.list {
        ui::print(&selected.list())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(reason) = testbed::missing() {
        bail!("no workload can run on this machine: {reason}");
    }
    let opened = SystemTime::now();
    let limit = context::cache_limit(args.sources.cache_size)?;
    let site = Site::open(&args.sources)?;
    let options = Options {
        parallel: args.parallel,
        limit: args.limit.map(|seconds| Duration::from_secs(seconds.get())),
        progress: ui,
        explain: error::render,
    };
    let results = selected.run(&Place { site: &site.build, lock: &lock }, &options)?;
    testing::bound_cache(site.build.fetch.cache(), limit, opened, ui)?;

    ui::print(&if args.json { results.json()? } else { results.table() })?;
    for note in results.notes() {
        ui.say(format!("note: {note}"));
    }
    let failures = results.failures();
    let count = base::count(results.count(), "workload", "workloads");
    Ok(conclude(&failures, results.left(), failures.len(), &count, ui))
}
