//! `cargo xtask bench`: how fast, how small, how cheap, on the real packages and next to what it should be.
//!
//! Builds run as children with a cache of their own that has the packages and nothing made from them, so nothing of the
//! user's is thrown away. A ratio is made of runs that took turns, so that a busy moment hits both sides. Results are kept
//! in a file after each benchmark, so that one that fails takes none with it; running one benchmark again replaces its
//! figures and redraws what is made from them.

mod bars;
mod changed;
mod child;
mod cold;
mod figure;
mod first_run;
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
mod xz;

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use base::table;
use clap::ValueEnum as _;
use debian::Cache;
use debian::lock::Lock;

use crate::cache;
use crate::cli::full::{BenchArgs, Name};
use crate::context;
use crate::ui::{self, Ui};
use base::Hinted;
use figure::Figure;
use results::Results;
use suite::Suite;

impl Name {
    /// Whether it is run when no names are given.
    fn is_default(self) -> bool {
        !matches!(self, Name::Release | Name::FirstRun)
    }
}

pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    if args.list {
        ui::print(&list())?;
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = context::workspace()?;
    let lock = Lock::load(&context::lock_path(&workspace))?;
    if let Some(cache) = &args.floor {
        ui::print(&format!("{}\n", floor::run(&lock, cache, args.floor_xz.as_deref())?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let output = workspace.join(&args.output);
    let file = output.join("results.json");
    let loaded = Results::load(&file)?;
    if args.redraw {
        let results = loaded.ok_or_else(|| nothing_to_draw(&file))?;
        draw(&results, &output)?;
        show(results.figures().iter())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut results = loaded.unwrap_or_default();
    check(&results, &output)?;
    let cache_dir = context::cache_dir(args.cache_dir.as_deref())?;
    let names = chosen(&args.names);
    let started = SystemTime::now();
    let limit = context::cache_limit(None)?;
    let keep = |results: &Results| {
        results.save(&file)?;
        draw(results, &output)?;
        args.json.as_ref().map_or(Ok(()), |file| results.save(file))
    };
    measure(&names, &workspace, &cache_dir, &lock, usize::from(args.runs), &mut results, &keep)?;
    cache::bound(&Cache::open(&cache_dir)?, limit, started, &Ui::new())?;
    let titles: Vec<String> = names.into_iter().map(name_of).collect();
    let measured = || results.figures().iter().filter(|figure| titles.contains(&figure.bench));
    show(measured())?;
    let missed = measured().any(|figure| figure.met() == Some(false));
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What is run: what was asked for, or else all but what has to be asked for.
fn chosen(names: &[Name]) -> Vec<Name> {
    match names {
        [] => Name::value_variants().iter().copied().filter(|name| name.is_default()).collect(),
        names => names.to_vec(),
    }
}

fn nothing_to_draw(file: &Path) -> Hinted {
    Hinted::new(format!("there is no {}", file.display()), "`cargo xtask bench` measures and writes it")
}

/// That what is measured can be kept: found out before it is measured.
fn check(results: &Results, output: &Path) -> anyhow::Result<()> {
    readme::updated(&output.join("README.md"), results)?;
    let writable = tempfile::tempfile_in(output);
    writable.map(drop).with_context(|| format!("cannot write into {}", output.display()))
}

/// Measures in turn; each is kept before the next begins.
fn measure(
    names: &[Name],
    workspace: &Path,
    cache_dir: &Path,
    lock: &Lock,
    runs: usize,
    results: &mut Results,
    keep: &dyn Fn(&Results) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let ui = Ui::new();
    let suite = Suite::new(workspace, cache_dir, lock, runs, &ui)?;
    for &name in names {
        let title = name_of(name);
        ui.note(format!("{title}: {}", help_of(name)));
        let _step = ui.moment(format!("measuring `{title}`"));
        suite.run(name, &title, results).with_context(|| format!("cannot measure `{title}`"))?;
        keep(results)?;
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
    table(&Name::value_variants().iter().map(row).collect::<Vec<_>>())
}

fn show<'a>(figures: impl Iterator<Item = &'a Figure>) -> std::io::Result<()> {
    let mut rows = vec![["BENCH", "WHAT", "MEASURED", "TARGET", ""].map(str::to_owned)];
    rows.extend(figures.map(|figure| {
        let goal = figure.goal.map(|goal| goal.show(figure.unit)).unwrap_or_default();
        let value = figure.unit.show(figure.value);
        [figure.bench.clone(), figure.what.clone(), value, goal, figure.verdict().to_owned()]
    }));
    ui::print(&table(&rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_measured_only_when_it_is_asked_for() {
        assert_eq!(chosen(&[Name::Release, Name::Push]), [Name::Release, Name::Push]);
        let all = chosen(&[]);
        assert!(!all.contains(&Name::Release) && all.contains(&Name::Growth));
        assert_eq!(all.len() + 2, Name::value_variants().len());
        assert!(list().contains("release"));
    }

    #[test]
    fn where_nothing_can_be_kept_nothing_is_measured() {
        let dir = tempfile::tempdir().unwrap();
        let error = check(&Results::default(), dir.path()).unwrap_err().to_string();
        assert_eq!(error, format!("cannot update {}", dir.path().join("README.md").display()));
        let text = "<!-- figures -->\n<!-- end of figures -->\n<!-- growth -->\n<!-- end of growth -->\n";
        std::fs::write(dir.path().join("README.md"), text).unwrap();
        check(&Results::default(), dir.path()).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("README.md")).unwrap(), text);
    }
}
