//! The program without the feature `full`: what images need and no more. For everything else it has cargo compile the rest,
//! and becomes that.

#![cfg_attr(feature = "full", allow(dead_code, reason = "only the tests of a program with `full` use it"))]

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Context as _;

use crate::cli::full::{TESTS, TestArgs};
use crate::context;
use base::count;
use ui::Ui;

/// The command that compiles the program with everything.
const FULL: [&str; 5] = ["build", "--package", "xtask", "--features", "full"];

/// Runs this very command line with the feature `full`. Returns only if that fails.
pub(crate) fn rerun(ui: &Ui) -> anyhow::Result<ExitCode> {
    ui.note("this command needs more than images do: cargo compiles that, once");
    become_compiled(&[&FULL], ui)
}

/// `cargo xtask test`: has cargo compile the tests that `args` select, among which is the program with everything, and runs
/// this very command line in that. So nothing is compiled for the tests and once more for the program that runs them.
pub(crate) fn test(args: &TestArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let all: Vec<&str> = ["test", "--no-run"].into_iter().chain(TESTS).collect();
    let selected: Vec<&str> = all.iter().copied().chain(args.args.iter().map(String::as_str)).collect();
    // Those that were selected may not use it.
    become_compiled(&[&selected, &all], ui)
}

/// Runs this very command line in the program that comes of the first of cargo's `commands` that makes it.
fn become_compiled(commands: &[&[&str]], ui: &Ui) -> anyhow::Result<ExitCode> {
    let workspace = context::workspace()?;
    for arguments in commands {
        let still = |parts, elapsed: Duration| {
            ui.note(format!("still compiling: {} in {} s", count(parts, "part", "parts"), elapsed.as_secs()));
        };
        let mut command = launch::cargo(&workspace, &ui.cargo(), arguments);
        let compiled = launch::compile(&mut command, "xtask", still).context("cannot run cargo")?;
        anyhow::ensure!(compiled.status.success(), "cannot compile what this command needs");
        if let Some(program) = compiled.program {
            let error = Command::new(&program).args(std::env::args_os().skip(1)).exec();
            return Err(error).with_context(|| format!("cannot run {}", program.display()));
        }
    }
    // Cargo names the program whenever it compiles all tests.
    anyhow::bail!("cannot compile what this command needs")
}

#[cfg(test)]
mod tests {
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    #[test]
    fn only_what_asks_for_an_engine_needs_more_than_images_do() {
        for (options, expected) in [
            (&[][..], false),
            (&["--archive", "x.tar"], false),
            (&["--load"], true),
            (&["--load", "--dry-run"], false),
            (&["--push"], true),
            (&["--push", "--push-via", "engine"], true),
            (&["--push", "--push-via", "registry"], false),
            (&["--push", "--dry-run"], false),
            (&["--push", "--referrers"], false),
            (&["--load", "--push", "--push-via", "registry"], true),
        ] {
            let arguments = ["xtask", "images"].iter().chain(options);
            let Command::Images(args) = Cli::try_parse_from(arguments).unwrap().command else {
                unreachable!()
            };
            assert_eq!(args.ship.may_take_engine(args.dry_run), expected, "{options:?}");
        }
    }
}
