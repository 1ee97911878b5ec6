//! Every test binary, one after the other, whatever came of the one before; and one list of it all at the end.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;

use base::Hinted;
use builder::Site;
use debian::lock::Lock;
use ui::Ui;

use crate::binary::{self, OUTCOMES};
use crate::given;
use crate::outcome::Summary;

/// Runs the tests that `arguments`, those of `cargo test`, select, on the images in `layout`, which were made from `lock`, the file
/// at `path`. Fails if any test did, or, in CI, was skipped.
pub fn run(
    layout: &Path,
    (lock, path): (&Lock, &Path),
    site: &Site,
    arguments: &[&str],
    ui: &Ui,
) -> anyhow::Result<()> {
    let variables = given::variables(layout, lock, path, site, ui)?;
    let started = Instant::now();
    let outcomes = tempfile::NamedTempFile::new()?;
    let mut cargo = Command::new("cargo");
    // As the tests were compiled: otherwise they would be once more.
    launch::as_by_hand(&mut cargo);
    let status = cargo
        .arg("test")
        .args(ui.cargo())
        .args((!arguments.contains(&"--no-fail-fast")).then_some("--no-fail-fast"))
        .args(["--config", &binary::runner()?])
        .args(arguments)
        .current_dir(&site.workspace)
        .envs(variables)
        .env(OUTCOMES, outcomes.path())
        .status()
        .context("cannot run cargo")?;
    let summary = Summary(binary::read(outcomes.path())?);
    ui.say(summary.list(started.elapsed()));
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
    match (summary.failed(), summary.died()) {
        (failed, 0) => format!("tests failed: {failed}"),
        (failed, died) => format!("tests failed: {failed}; test binaries died: {died}"),
    }
}
