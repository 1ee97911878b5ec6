//! `cargo xtask bench`: how fast, how small, how cheap, on the real packages and next to what it should be.
//!
//! Builds run as children with a cache of their own that has the packages and nothing made from them, so nothing of the
//! user's is thrown away. A ratio is made of runs that took turns, so that a busy moment hits both sides. Results are kept
//! in a file; running one benchmark again replaces its figures and redraws what is made from them.

mod bars;
mod changed;
mod child;
mod figure;
mod floor;
mod flow;
mod growth;
mod push;
mod readme;
mod register;
mod results;
mod room;
mod suite;
mod svg;
mod timeline;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use debian::Cache;
use debian::lock::Lock;

use crate::cache;
use crate::context;
use crate::files;
use crate::report::render;
use crate::ui::{self, Ui};
use figure::Figure;
use results::Results;
use suite::Suite;

/// One benchmark, by the name that it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Everything from packages that are there, against the shell flow and against the floor; memory, busy cores
    Cold,
    /// A build when nothing has changed
    Unchanged,
    /// A build after one host's package has changed
    OneHost,
    /// What has to be downloaded
    Sizes,
    /// A push of what the registry has
    Push,
    /// `register -p` against a shell that writes the same lines
    Register,
    /// Time, memory and bytes for 1, 3 and 9 hosts
    Growth,
}

/// What can be typed after `bench`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask bench                     everything; about ten minutes on two cores
  cargo xtask bench cold register       two of them; the others keep the figures that they had
  cargo xtask bench --list")]
pub(crate) struct BenchArgs {
    /// Run these only
    #[arg(value_name = "NAME")]
    names: Vec<Name>,
    /// Say which there are, and stop
    #[arg(long)]
    list: bool,
    /// How often the long ones are measured; the least counts
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u8).range(1..=50))]
    runs: u8,
    /// Also write the results here
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep results.json and the pictures here, and the tables in README.md up to date
    #[arg(long, value_name = "DIR", default_value = "benches")]
    output: PathBuf,
    /// Draw tables and pictures from results.json, and measure nothing
    #[arg(long, conflicts_with_all = ["names", "list"])]
    redraw: bool,
    /// Do what the floor is, on the packages of this cache, and print the compressed size
    #[arg(long, hide = true, value_name = "DIR")]
    floor: Option<PathBuf>,
    /// Where downloads and results are kept [default: $QUS_CACHE_DIR, $XDG_CACHE_HOME/qus, ~/.cache/qus]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    if args.list {
        ui::print(&list())?;
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = context::workspace()?;
    let lock = Lock::load(&context::lock_path(&workspace))?;
    if let Some(cache) = &args.floor {
        ui::print(&format!("{}\n", floor::run(&lock, cache)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let file = args.output.join("results.json");
    let mut results = Results::load(&file)?;
    if !args.redraw {
        let cache_dir = context::cache_dir(args.cache_dir.as_deref())?;
        let names = if args.names.is_empty() { Name::value_variants() } else { &args.names };
        let started = SystemTime::now();
        let limit = context::cache_limit(None)?.unwrap_or_default();
        measure(names, &workspace, &cache_dir, &lock, usize::from(args.runs), &mut results)?;
        results.save(&file)?;
        cache::bound(&Cache::open(&cache_dir)?, limit, started, &Ui::new())?;
    }
    draw(&results, &args.output)?;
    if let Some(file) = &args.json {
        results.save(file)?;
    }
    ui::print(&table(results.figures()))?;
    let missed = results.figures().iter().filter(|figure| figure.met() == Some(false)).count();
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(
    names: &[Name],
    workspace: &Path,
    cache_dir: &Path,
    lock: &Lock,
    runs: usize,
    results: &mut Results,
) -> anyhow::Result<()> {
    let ui = Ui::new();
    let suite = Suite::new(workspace, cache_dir, lock, runs, &ui)?;
    for &name in names {
        let title = name_of(name);
        ui.note(format!("{title}: {}", help_of(name)));
        suite.run(name, &title, results).with_context(|| format!("cannot measure `{title}`"))?;
    }
    Ok(())
}

fn draw(results: &Results, output: &Path) -> anyhow::Result<()> {
    files::write(&output.join("figures.svg"), &bars::draw(results.figures()))?;
    if let Some(timeline) = results.timeline() {
        files::write(&output.join("timeline.svg"), &timeline::draw(timeline))?;
    }
    readme::update(&output.join("README.md"), results)
}

/// As it is typed.
fn name_of(name: Name) -> String {
    name.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// All of them, in their order.
fn names() -> Vec<String> {
    Name::value_variants().iter().copied().map(name_of).collect()
}

fn help_of(name: Name) -> String {
    let value = name.to_possible_value();
    value.and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
}

fn list() -> String {
    let row = |&name: &Name| [name_of(name), help_of(name)];
    render(&Name::value_variants().iter().map(row).collect::<Vec<_>>())
}

fn table(figures: &[Figure]) -> String {
    let mut rows = vec![["BENCH", "WHAT", "MEASURED", "TARGET", ""].map(str::to_owned)];
    rows.extend(figures.iter().map(|figure| {
        let goal = figure.goal.map(|goal| goal.show(figure.unit)).unwrap_or_default();
        let value = figure.unit.show(figure.value);
        [figure.bench.clone(), figure.what.clone(), value, goal, figure.verdict().to_owned()]
    }));
    render(&rows)
}
