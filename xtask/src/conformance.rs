//! `cargo xtask conformance`: real programs of Debian for other machines, under each QEMU.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::bail;
use debian::lock::Lock;
use e2e::conformance::{Options, Place, Selection, Suite, Wanted};
use files::Draft;
use results::Results;

use crate::cli::full::ConformanceArgs;
use crate::context::{self, Site};
use crate::e2e::{conclude, native};
use crate::{choice, testing};
use ui::{Stdout, Ui};

pub(crate) fn run(args: &ConformanceArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let selection = Selection {
        targets: &args.target,
        workloads: &args.workload,
        series: &args.series,
        qemus: &args.qemu,
        suite: args.suite.as_deref(),
        is_quick: args.quick,
    };
    let workspace = context::workspace()?;
    let lock = Lock::load(&testing::lock_path(&workspace))?;
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
    let record = args.record.as_ref().and_then(Option::as_deref);
    let stdout = Stdout::claim(args.json.then_some("--json"), &[("--record", record)])?;
    let record = record.map_or_else(|| workspace.join(results::PATH), Path::to_owned);
    // What cannot be read or written is known before anything has run: that takes minutes to hours.
    recorded(&record)?;
    if args.record.is_some() && !files::is_stream(&record) {
        Draft::create(&record)?;
    }
    let opened = SystemTime::now();
    let limit = context::cache_limit(args.sources.cache_size)?;
    let site = Site::open(&args.sources)?;
    let options = Options {
        parallel: args.parallel,
        limit: args.limit.map(|seconds| Duration::from_secs(seconds.get())),
        cpu: args.cpu.as_deref().map_or(Wanted::Default, Wanted::parse),
        progress: ui,
        explain: crate::explain,
    };
    let results = selected.run(&Place { site: &site.build, lock: &lock }, &options)?;
    suite::bound_cache(site.build.fetch.cache(), limit, opened, ui)?;

    stdout.result(&if args.json { results.json()? } else { results.table() }, ui)?;
    // Somebody else may have recorded something since.
    let mut all = recorded(&record)?;
    // Recorded is what they come to in their own time.
    let changes = if args.limit.is_none() { results.changes(&all) } else { Vec::new() };
    for note in results.notes().into_iter().chain(changes) {
        ui.say(format!("note: {note}"));
    }
    if args.record.is_some() {
        all.merge(&results.recorded());
        files::write(&record, &all.to_string())?;
        ui.say(format!("wrote {}", record.display()));
    }
    Ok(conclude(&results.end(), ui))
}

/// The outcomes in a file; none if it is not there yet, or is no file: a device may have no end.
fn recorded(path: &Path) -> anyhow::Result<Results> {
    if files::is_stream(path) {
        return Ok(Results::default());
    }
    choice::read(path)
}
