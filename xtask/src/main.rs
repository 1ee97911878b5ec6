//! `cargo xtask`: the maintainer's commands. Glue, progress and messages; what they do is in the crates.

mod bench;
mod build;
mod cache;
mod cli;
mod config;
mod context;
mod cross;
mod docs;
mod e2e;
mod error;
mod files;
mod images;
mod kind;
mod lock;
mod manual;
mod memory;
mod packing;
mod page;
mod plan;
mod release;
mod report;
mod ship;
mod testing;
mod trace;
mod ui;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

fn main() -> ExitCode {
    memory::return_what_is_freed();
    let result = match Cli::parse().command {
        Command::Images(args) => images::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Lock(args) => lock::run(&args),
        Command::Manifest(args) => ship::join(&args).map(|()| ExitCode::SUCCESS),
        Command::Release(args) => release::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Notes(args) => release::notes::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Verify(args) => verify::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Bench(args) => bench::run(&args),
        Command::Report(args) => page::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Test(args) => testing::run(&args),
        Command::Docs(args) => docs::run(&args),
        Command::E2e(args) => e2e::run(&args),
        Command::Cache(args) => cache::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Man(args) => manual::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Completions { shell } => manual::completion(shell).map(|()| ExitCode::SUCCESS),
    };
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
