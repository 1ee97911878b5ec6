//! `cargo xtask verify`: is a layout what it says it is, and does it hold what it should?

use std::num::NonZero;
use std::thread;

use anyhow::{Context as _, bail};
use arch::Host;
use oci::spec::Platform;

use crate::cli::VerifyArgs;
use crate::ui::{self, Ui, size};

pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<()> {
    let ui = Ui::new();
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let mut programs = 0_usize;
    let step = ui.step(format!("verifying {}", args.layout.display()));
    let mut check = |platform: &Platform, path: &str, content: &[u8]| {
        programs += 1;
        check_file(platform, path, content)
    };
    let report = publish::verify::verify(&args.layout, jobs, &mut check)?;
    let elapsed = step.elapsed();
    drop(step);
    if report.problems.is_empty() {
        ui::print(&format!(
            "{}: {} tags, {} images, {} blobs ({}), {programs} programs: all as they should be ({:.1} s)\n",
            args.layout.display(),
            report.tags,
            report.images,
            report.blobs,
            size(report.bytes),
            elapsed.as_secs_f64(),
        ))?;
        return Ok(());
    }
    for problem in &report.problems {
        ui.note(problem.to_string());
    }
    let count = report.problems.len();
    bail!("{}: {count} {}", args.layout.display(), if count == 1 { "problem" } else { "problems" })
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
