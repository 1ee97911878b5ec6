//! The commands that need the feature `full`.

use std::process::ExitCode;

use crate::cli::full::Command;
use crate::{bench, docs, e2e, lock, manual, page, release, testing};

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Lock(args) => return lock::run(args),
        Command::Release(args) => release::run(args)?,
        Command::Bench(args) => return bench::run(args),
        Command::Report(args) => page::run(args)?,
        Command::Test(args) => return testing::run(args),
        Command::Docs(args) => return docs::run(args),
        Command::E2e(args) => return e2e::run(args),
        Command::Man(args) => manual::run(args)?,
    }
    Ok(ExitCode::SUCCESS)
}
