//! `cargo xtask lock`: from Debian's archive to `images/debian.lock`, or how the two differ.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use debian::keyring::Keyring;
use debian::lock::{self, Lock};
use debian::resolve::{self, Comparison, Concessions, Purpose, Request, Resolution, changes};
use results::Choices;

use crate::choice;
use crate::cli::full::LockArgs;
use crate::context::{self, Site};
use base::Hinted;
use builder::Config;
use builder::cache;
use ui::{Stdout, Ui};

pub(crate) fn run(args: &LockArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let started = SystemTime::now();
    let limit = context::cache_limit(args.sources.cache_size)?;
    let Site { config, build } = Site::open(&args.sources)?;
    let builder::Site { workspace, fetch, mirror, .. } = build;
    let keyring = Keyring::load(&workspace.join("images/keyrings"))?;
    let results = choice::load(&workspace)?;
    let path = match args.libc {
        true => builder::cross::lock_path(&workspace),
        false => context::lock_path(&workspace),
    };
    let old = Lock::load(&path);
    let request = Request { previous: old.as_ref().ok().cloned(), ..request(args, &config)? };
    let machine = [("--json", args.json), ("--markdown", args.markdown)];
    let machine = machine.into_iter().find_map(|(option, used)| used.then_some(option));
    let stdout = Stdout::claim(machine, &[("--report", args.report.as_deref())])?;
    // A report that is there afterwards is of this run.
    if let Some(file) = &args.report {
        files::remove(file)?;
    }
    let runtime = base::runtime()?;
    builder::announce(&mirror, ui);
    // What is read of the archive has a task for each file; this one is for what is done with it.
    let step = ui.moment("comparing with the archive");
    let look = |request: &Request| runtime.block_on(resolve::look(&fetch, &mirror, &keyring, request, ui));
    // These are questions of images.
    let choose = |lock: &Lock| match args.libc {
        true => Choices::default(),
        false => choice::choose(lock, &results, &config),
    };
    let new_hosts = |lock: &Lock| match args.libc {
        true => Vec::new(),
        false => runtime.block_on(resolve::new_hosts(lock, &fetch, &mirror, &keyring, &request, ui)),
    };

    if args.check {
        let lock = old?;
        let concessions = Concessions::recorded(&lock, &request);
        let changes = runtime.block_on(resolve::check(&lock, &fetch, &mirror, &keyring, &request, ui))?;
        let mut comparison = if changes.is_empty() {
            // Results that came after the lock may choose otherwise.
            let same = Resolution { lock: lock.clone(), rejected: Vec::new(), unknown: Vec::new() };
            resolve::compare(&request, &lock, Ok(&chosen(same, &choose, ui)?), &[])
        } else {
            // What the new packages hold is known only from them.
            let request = concessions.grant(request.clone());
            let new = match look(&request) {
                Ok(new) => Ok(chosen(new, &choose, ui)?),
                Err(error) if error.is_finding() => {
                    ui.say(format!("no new lock can be made: {error}"));
                    Err(error)
                }
                Err(error) => return Err(error.into()),
            };
            let mut comparison = resolve::compare(&request, &lock, new.as_ref(), &changes);
            if let Ok(new) = &new {
                comparison.findings.extend(resolve::new_targets(&request, &new.unknown));
            }
            comparison
        };
        let is_same = changes.is_empty() && comparison.is_empty();
        comparison.findings.extend(new_hosts(&lock));
        drop(step);
        show(&comparison, &concessions, args, &stdout, ui)?;
        return Ok(if is_same { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    if let Err(error) = &old
        && path.exists()
    {
        ui.say(format!("warning: {error}: nothing tells whether a suite is older than it was"));
    }
    // A comparison does without: what is built from a source changes when that does.
    let new = look(&Request { sources: !args.libc, ..request.clone() })?;
    let new = chosen(new, &choose, ui)?;
    let mut news = resolve::new_targets(&request, &new.unknown);
    news.extend(new_hosts(&new.lock));
    for finding in &news {
        ui.say(format!("{}: {finding}", finding.kind.name()));
    }
    cache::bound(fetch.cache(), limit, started, ui)?;
    drop(step);
    let old = old.ok();
    if let (Some(file), Some(old)) = (&args.report, &old) {
        let mut comparison = resolve::compare(&request, old, Ok(&new), &[]);
        comparison.findings.extend(news);
        write_report(file, &comparison, &Concessions::default())?;
    }
    let lock = new.lock;
    let changed = old.as_ref() != Some(&lock);
    if changed {
        lock.write(&path)?;
    }
    if !args.json {
        stdout.result(&lock::summary::table(&lock, &config.hosts), ui)?;
    } else {
        ui::print(&lock::summary::json(&lock)?)?;
    }
    ui.note(format!("{} {}", if changed { "wrote" } else { "nothing changed in" }, path.display()));
    Ok(ExitCode::SUCCESS)
}

/// A resolution with the QEMU that was chosen for each cell, which is reported where it is not the newest.
fn chosen(resolution: Resolution, choose: &dyn Fn(&Lock) -> Choices, ui: &Ui) -> anyhow::Result<Resolution> {
    let choices = choose(&resolution.lock);
    let lock = choice::apply(&choices, &resolution.lock)?;
    for line in choices.lines() {
        ui.say(line);
    }
    Ok(Resolution { lock, ..resolution })
}

/// Prints a comparison, in the form that was asked for, and writes the report.
fn show(
    comparison: &Comparison,
    concessions: &Concessions,
    args: &LockArgs,
    stdout: &Stdout,
    ui: &Ui,
) -> anyhow::Result<()> {
    if let Some(file) = &args.report {
        write_report(file, comparison, concessions)?;
    }
    let text = match (args.json, args.markdown) {
        (true, _) => changes::json(comparison, concessions)?,
        (false, true) => changes::markdown(comparison, concessions),
        (false, false) => changes::table(comparison, concessions),
    };
    Ok(stdout.result(&text, ui)?)
}

/// Writes a report, if there is anything to report: so a file means that there is something.
fn write_report(path: &Path, comparison: &Comparison, concessions: &Concessions) -> anyhow::Result<()> {
    match comparison.is_empty() {
        true => Ok(()),
        false => Ok(files::write(path, &changes::markdown(comparison, concessions))?),
    }
}

fn request(args: &LockArgs, config: &Config) -> anyhow::Result<Request> {
    let mut without = BTreeSet::new();
    for given in &args.without {
        let (name, host) = given.split_once('/').ok_or_else(|| {
            Hinted::new(
                format!("invalid --without `{given}`"),
                "it takes a suite and a Debian architecture: --without trixie/armel",
            )
        })?;
        let pair = || anyhow::Ok((host.parse()?, config.suite(name)?));
        let (host, suite) = pair().with_context(|| format!("invalid --without `{given}`"))?;
        without.insert((suite, host));
    }
    let suites = |names: &[String], option: &str| {
        let suites: Result<_, _> = names.iter().map(|name| config.suite(name)).collect();
        suites.with_context(|| format!("invalid {option}"))
    };
    let allow_expired = suites(&args.allow_expired, "--allow-expired")?;
    let allow_older = suites(&args.allow_older, "--allow-older")?;
    let purpose = if args.libc { Purpose::Linking } else { Purpose::Images };
    Ok(Request { allow_expired, allow_older, without, ..config.request(purpose, context::now()?) })
}
