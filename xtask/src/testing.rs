//! `cargo xtask test`: every test, with what the tests need brought first.

use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::cli::TestArgs;
use crate::context;

pub(crate) fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let workspace = context::workspace()?;
    let status = Command::new("cargo")
        .args(["test", "--workspace", "--locked"])
        .args(&args.args)
        .current_dir(&workspace)
        .status()
        .context("cannot run cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
