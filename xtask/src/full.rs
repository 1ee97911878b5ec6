//! The commands that need the feature `full`.

use std::process::ExitCode;

use crate::cli::full::Command;
use crate::{bench, conformance, docs, e2e, lock, manual, release, report, sign, testing};
use ui::Ui;

pub(crate) fn run(command: &Command, ui: &Ui) -> anyhow::Result<ExitCode> {
    match command {
        Command::Lock(args) => return lock::run(args, ui),
        Command::Release(args) => release::run(args, ui)?,
        Command::Sign(args) => sign::run(args, ui)?,
        Command::Bench(args) => return bench::run(args, ui),
        Command::Report(args) => report::run(args, ui)?,
        Command::Test(args) => return testing::run(args, ui),
        Command::Docs(args) => return docs::run(args),
        Command::E2e(args) => return e2e::run(args, ui),
        Command::Conformance(args) => return conformance::run(args, ui),
        Command::Man(args) => manual::run(args)?,
    }
    Ok(ExitCode::SUCCESS)
}
