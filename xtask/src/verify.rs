//! `cargo xtask verify`: is a layout what it says it is, and does it hold what it should?

use std::num::NonZero;
use std::path::Path;
use std::thread;

use anyhow::{Context as _, bail};
use arch::Host;
use oci::spec::Platform;
use publish::registry::Reference;

use crate::cli::VerifyArgs;
use crate::error::Hinted;
use crate::ship;
use crate::ui::{self, Ui, size};

pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<()> {
    let ui = Ui::new();
    let path = Path::new(&args.what);
    // A name of a registry never begins like a path, and a folder that is there is meant.
    if path.exists() || args.what.starts_with(['.', '/']) {
        return verify_layout(path, &args.what, args, &ui);
    }
    let reference: Reference = args.what.parse().map_err(|error| {
        Hinted::new(
            format!("{}: no such directory, and no name of an image: {error}", args.what),
            "name a layout's directory or an image: target/images, docker.io/aptman/qus:latest",
        )
    })?;
    if args.deep {
        let copy = tempfile::tempdir().context("cannot make a temporary directory")?;
        ship::pull(&reference, &args.registry, copy.path(), &ui)?;
        return verify_layout(copy.path(), &args.what, args, &ui);
    }
    settle(&args.what, &ship::verify(&reference, &args.registry, &ui)?, &ui)
}

fn verify_layout(path: &Path, name: &str, args: &VerifyArgs, ui: &Ui) -> anyhow::Result<()> {
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let mut programs = 0_usize;
    let step = ui.step(format!("verifying {name}"));
    let mut check = |platform: &Platform, path: &str, content: &[u8]| {
        programs += 1;
        check_file(platform, path, content)
    };
    let report = publish::verify::verify(path, jobs, &mut check)?;
    let elapsed = step.elapsed();
    drop(step);
    if report.problems.is_empty() {
        ui::print(&format!(
            "{name}: {} tags, {} images, {} blobs ({}), {programs} programs: all as they should be ({:.1} s)\n",
            report.tags,
            report.images,
            report.blobs,
            size(report.bytes),
            elapsed.as_secs_f64(),
        ))?;
    }
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    settle(name, &problems, ui)
}

/// Problems are told one by one, and then make an error.
fn settle(name: &str, problems: &[String], ui: &Ui) -> anyhow::Result<()> {
    for problem in problems {
        ui.note(problem);
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("{name}: 1 problem"),
        count => bail!("{name}: {count} problems"),
    }
}

/// Every file in an image is a program, static, for the image's host.
fn check_file(platform: &Platform, path: &str, content: &[u8]) -> Result<(), String> {
    let host = host_of(platform).map_err(|error| format!("{error:#}"))?;
    debian::elf::check(content, host.elf()).map_err(|error| format!("{path}: {error}"))
}

fn host_of(platform: &Platform) -> anyhow::Result<Host> {
    let name = platform.to_string();
    name.parse().with_context(|| format!("no host has the platform {name}"))
}
