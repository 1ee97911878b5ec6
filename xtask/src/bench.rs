//! `cargo xtask bench`: how fast, how small, how cheap, on the real packages and next to what it should be.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use arch::Host;
use base::table;
use bench::{Figure, Record, Suite};
use builder::cache;
use clap::ValueEnum as _;
use debian::lock::Lock;

use crate::cli::Sources;
use crate::cli::full::{BenchArgs, Name};
use crate::context::{self, Site};
use ui::Ui;

impl Name {
    /// True if it is run when no names are given.
    fn is_default(self) -> bool {
        !matches!(self, Name::Run | Name::Emulation | Name::Release | Name::FirstRun)
    }
}

pub(crate) fn run(args: &BenchArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    if args.list {
        ui::print(&list())?;
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = context::workspace()?;
    let lock = Lock::load(&context::lock_path(&workspace))?;
    let output = workspace.join(&args.output);
    let mut record = Record::open(output.clone())?;
    if args.redraw {
        ui::print(&record.redraw()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    record.check()?;
    let sources = Sources { cache_dir: args.cache_dir.clone(), ..Sources::default() };
    let site = Site::open(&sources)?.build;
    let names = chosen(&args.names);
    let started = SystemTime::now();
    let limit = context::cache_limit(None)?;
    let (runs, keyrings) = (usize::from(args.runs), workspace.join("images/keyrings"));
    // Images are for what measures them.
    let suite = names.iter().any(|name| *name != Name::Emulation);
    let suite = suite.then(|| Suite::new(&site, &lock, runs, ui)).transpose()?;
    let qemu = || qemu(&site, &lock, ui);
    let titles: Vec<String> = names.iter().copied().map(name_of).collect();
    for (name, title) in names.into_iter().zip(&titles) {
        ui.note(format!("{title}: {}", help_of(name)));
        let step = ui.moment(format!("measuring `{title}`"));
        let figures = match &suite {
            Some(suite) if name != Name::Emulation => of_suite(name, title, suite, &qemu),
            _ => bench::emulation(title, &keyrings, runs, &output, ui),
        };
        let figures = figures.with_context(|| format!("cannot measure `{title}`"))?;
        drop(step);
        record.keep(title, figures, &self::names(), args.json.as_deref(), ui)?;
    }
    cache::bound(site.fetch.cache(), limit, started, ui)?;
    let (table, is_met) = record.table(&titles);
    ui::print(&table)?;
    Ok(if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The benchmarks to run: those asked for, or else all but what has to be asked for.
fn chosen(names: &[Name]) -> Vec<Name> {
    match names {
        [] => Name::value_variants().iter().copied().filter(|name| name.is_default()).collect(),
        names => names.to_vec(),
    }
}

/// The figures of a benchmark of ours.
fn of_suite(
    name: Name,
    title: &str,
    suite: &Suite<'_>,
    qemu: &dyn Fn() -> anyhow::Result<PathBuf>,
) -> anyhow::Result<Vec<Figure>> {
    match name {
        Name::Cold => suite.cold(title),
        Name::Unchanged => suite.unchanged(title),
        Name::Sizes => suite.sizes(title),
        Name::Push => suite.push(title),
        Name::Register => qemu().and_then(|qemu| suite.register(title, &qemu.join("usr/bin"))),
        Name::Run => qemu().and_then(|qemu| suite.run(title, &qemu.join("usr/bin"))),
        Name::Release => suite.release(title),
        Name::FirstRun => suite.first_run(title),
        Name::Emulation => Ok(Vec::new()),
    }
}

/// Debian's QEMU for this machine, unpacked.
fn qemu(site: &builder::Site, lock: &Lock, ui: &Ui) -> anyhow::Result<PathBuf> {
    let native = Host::native().context("there are no images for this machine")?;
    suite::qemu::unpack(lock, native, site, &site.workspace.join("target/test-qemu"), ui)
}

/// Its name as an argument.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_measured_only_when_it_is_asked_for() {
        assert_eq!(chosen(&[Name::Release, Name::Push]), [Name::Release, Name::Push]);
        let all = chosen(&[]);
        assert!(!all.contains(&Name::Release) && all.contains(&Name::Sizes));
        assert_eq!(all.len() + 4, Name::value_variants().len());
        assert!(list().contains("release"));
    }
}
