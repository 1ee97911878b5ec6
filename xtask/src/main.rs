//! `cargo xtask`: the maintainer's commands. Glue, progress and messages; what they do is in the crates.

mod cache;
mod cli;
mod completions;
mod context;
mod error;
mod images;
mod lines;
mod manifest;
mod memory;
mod notes;
mod stdout;
mod ui;
mod verify;

// Behind the feature `full`: the commands that are not needed for images.
#[cfg(feature = "full")]
mod bench;
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
mod page;
#[cfg(feature = "full")]
mod release;
#[cfg(feature = "full")]
mod testing;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

fn main() -> ExitCode {
    memory::return_what_is_freed();
    let result = run(&Cli::parse().command);
    result.unwrap_or_else(|error| {
        let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
            let error: Option<&std::io::Error> = cause.downcast_ref();
            error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
        };
        if !error.chain().any(broken_pipe) {
            ui::Ui::new().note(error::render(&error));
        }
        ExitCode::FAILURE
    })
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        #[cfg(feature = "full")]
        Command::Full(command) => return full::run(command),
        #[cfg(not(feature = "full"))]
        Command::Full(cli::full::Command::Test(args)) => return lean::test::run(args),
        #[cfg(not(feature = "full"))]
        Command::Full(_) => return lean::rerun(),
        #[cfg(not(feature = "full"))]
        Command::Images(args) if args.ship.may_take_engine(args.dry_run) => return lean::rerun(),
        Command::Images(args) => images::run(args)?,
        Command::Manifest(args) => manifest::run(args)?,
        Command::Verify(args) => verify::run(args)?,
        Command::Cache(args) => cache::run(args)?,
        Command::Notes(args) => notes::run(args)?,
        Command::Completions { shell } => completions::run(*shell)?,
    }
    Ok(ExitCode::SUCCESS)
}
