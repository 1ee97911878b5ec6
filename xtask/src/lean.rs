//! The program without the feature `full`: what images need and no more. For everything else it has cargo compile the rest,
//! and becomes that.

#![cfg_attr(feature = "full", allow(dead_code, reason = "only the tests of a program with `full` use it"))]

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
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
    become_compiled(&[FULL.map(str::to_owned).into()], ui)
}

/// `cargo xtask test`: has cargo compile the tests that `args` select, among which is the program with everything, and runs
/// this very command line in that. So nothing is compiled for the tests and once more for the program that runs them.
pub(crate) fn test(args: &TestArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let tests = |arguments: &[String]| {
        let own = ["test", "--no-run"].into_iter().chain(TESTS).map(str::to_owned);
        own.chain(arguments.iter().cloned()).collect()
    };
    // Those that were selected may not use it.
    become_compiled(&[tests(&args.args), tests(&[])], ui)
}

/// Runs this very command line in the program that comes of the first of cargo's `commands` that makes it.
fn become_compiled(commands: &[Vec<String>], ui: &Ui) -> anyhow::Result<ExitCode> {
    let workspace = context::workspace()?;
    for arguments in commands {
        let still = |parts, elapsed: Duration| {
            ui.note(format!("still compiling: {} in {} s", count(parts, "part", "parts"), elapsed.as_secs()));
        };
        let mut command = command(cargo(), &ui.cargo(), &workspace, arguments);
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

/// Cargo names itself to what it runs; otherwise it is found as a shell finds it.
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Cargo with `arguments`, the first of which is its command. The working directory stays: paths may be relative to it.
fn command(cargo: OsString, options: &[String], workspace: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(cargo);
    let (first, rest) = arguments.split_at(1.min(arguments.len()));
    command.args(first).args(options).args(launch::FORMAT);
    command.arg("--manifest-path").arg(workspace.join("Cargo.toml")).args(rest);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    #[test]
    fn cargo_gets_its_options_before_those_of_its_command() {
        let options = ["--quiet", "--color", "never"].map(str::to_owned);
        let arguments = ["test", "--no-run", "--", "x"].map(str::to_owned);
        let command = command("/bin/cargo".into(), &options, Path::new("/src/qus"), &arguments);
        assert_eq!(command.get_program(), "/bin/cargo");
        let expected = ["test", "--quiet", "--color", "never"].into_iter().chain(launch::FORMAT);
        let expected = expected.chain(["--manifest-path", "/src/qus/Cargo.toml", "--no-run", "--", "x"]);
        assert_eq!(command.get_args().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        assert_eq!(command.get_current_dir(), None);
    }

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
