//! Every test binary, one after the other, whatever came of the one before; and one list of it all at the end.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;

use super::binary::{self, OUTCOMES};
use super::outcome::Summary;
use crate::cli::full::TESTS;
use crate::ui::Ui;
use base::Hinted;

/// Runs the tests that `arguments`, those of `cargo test`, select. Fails if any test did, or, in CI, was skipped.
pub(super) fn run(
    workspace: &Path,
    variables: &[(&str, &Path)],
    arguments: &[String],
    ui: &Ui,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let outcomes = tempfile::NamedTempFile::new().context("cannot create a temporary file")?;
    let status = Command::new("cargo")
        .arg("test")
        .args(TESTS)
        .args(["--no-fail-fast", "--config", &runner()?])
        .args(arguments)
        .current_dir(workspace)
        .envs(variables.iter().copied())
        .env(OUTCOMES, outcomes.path())
        .status()
        .context("cannot run cargo")?;
    let summary = Summary(binary::read(outcomes.path())?);
    ui.note(summary.list(started.elapsed()));
    let hint = || summary.again().map(|command| format!("run just these again: {command}"));
    if let Some(hint) = hint() {
        return Err(Hinted::new(failure(&summary), hint).into());
    }
    // Such as a doc test, or a binary that could not be compiled.
    anyhow::ensure!(status.success(), "`cargo test` failed with {status}, by no test binary");
    let ci = std::env::var_os("CI").is_some();
    anyhow::ensure!(!ci || summary.skipped() == 0, "in CI, no test may be skipped");
    Ok(())
}

/// The number of failed tests, and of binaries that died.
fn failure(summary: &Summary) -> String {
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    };
    match (summary.failed(), summary.died()) {
        (failed, 0) => format!("{} failed", count(failed, "test")),
        (failed, died) => {
            format!("{} failed, and {} died", count(failed, "test"), count(died, "test binary"))
        }
    }
}

/// Cargo's setting that has it start test binaries through this program. An argument rather than a variable, so that
/// whatever tests start with cargo is not concerned.
fn runner() -> anyhow::Result<String> {
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    let program = program.to_str().context("the workspace's path is not UTF-8")?;
    // A JSON string is a TOML string.
    Ok(format!("target.'cfg(all())'.runner = [{}, \"test\", \"--\"]", serde_json::to_string(program)?))
}
