//! `cargo xtask`: the maintainer's commands. Glue, progress and messages; what they do is in the crates.

mod cache;
mod cli;
mod completions;
mod context;
mod images;
mod manifest;
mod memory;
mod notes;
mod sbom;
mod verify;

// Behind the feature `full`: the commands that are not needed for images.
#[cfg(feature = "full")]
mod bench;
#[cfg(feature = "full")]
mod choice;
#[cfg(feature = "full")]
mod conformance;
#[cfg(feature = "full")]
mod docs;
#[cfg(feature = "full")]
mod e2e;
#[cfg(feature = "full")]
mod full;
#[cfg(any(not(feature = "full"), test))]
mod lean;
#[cfg(feature = "full")]
mod lock;
#[cfg(feature = "full")]
mod manual;
#[cfg(feature = "full")]
mod release;
#[cfg(feature = "full")]
mod report;
#[cfg(feature = "full")]
mod sign;
#[cfg(feature = "full")]
mod testing;

use std::process::ExitCode;

use clap::Parser as _;
use ui::Ui;

use cli::{Cli, Command};

fn main() -> ExitCode {
    memory::return_what_is_freed();
    let cli = Cli::parse();
    let ui = Ui::new(cli.output.options(), |name| std::env::var(name).ok());
    let result = run(&cli.command, &ui);
    result.unwrap_or_else(|error| {
        let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
            let error: Option<&std::io::Error> = cause.downcast_ref();
            error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
        };
        if !error.chain().any(broken_pipe) {
            ui.say(explain(&error));
        }
        ExitCode::FAILURE
    })
}

/// An error with its causes, and the hint that any crate has for one of them.
fn explain(error: &anyhow::Error) -> String {
    let hints = [
        base::hint,
        debian::hint,
        publish::hint,
        #[cfg(feature = "full")]
        ::sign::hint,
    ];
    base::explain(error.as_ref(), &hints)
}

fn run(command: &Command, ui: &Ui) -> anyhow::Result<ExitCode> {
    match command {
        #[cfg(feature = "full")]
        Command::Full(command) => return full::run(command, ui),
        #[cfg(not(feature = "full"))]
        Command::Full(cli::full::Command::Test(args)) => return lean::test(args, ui),
        #[cfg(not(feature = "full"))]
        Command::Full(_) => return lean::rerun(ui),
        #[cfg(not(feature = "full"))]
        Command::Images(args) if args.ship.may_take_engine(args.dry_run) => return lean::rerun(ui),
        Command::Images(args) => images::run(args, ui)?,
        Command::Manifest(args) => manifest::run(args, ui)?,
        #[cfg(not(feature = "full"))]
        Command::Verify(args) if args.key.is_some() => return lean::rerun(ui),
        Command::Verify(args) => verify::run(args, ui)?,
        Command::Sbom(args) => sbom::run(args, ui)?,
        Command::Cache(args) => cache::run(args, ui)?,
        Command::Notes(args) => notes::run(args)?,
        Command::Completions { shell } => completions::run(*shell)?,
    }
    Ok(ExitCode::SUCCESS)
}
