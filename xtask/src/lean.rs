//! The program without the feature `full`: what images need and no more. For everything else it has cargo compile the rest,
//! and becomes that.

#![cfg_attr(feature = "full", allow(dead_code, reason = "only the tests of a program with `full` use it"))]

pub(crate) mod test;

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::context;
use crate::ui::Ui;

/// Runs this very command line with the feature `full`. Returns only if that fails.
pub(crate) fn rerun(ui: &Ui) -> anyhow::Result<ExitCode> {
    let workspace = context::workspace()?;
    ui.note("this command needs more than images do: cargo compiles that, once");
    let error = full(cargo(), &ui.cargo(), &workspace, std::env::args_os().skip(1)).exec();
    Err(error).context("cannot run cargo")
}

/// Cargo names itself to what it runs; otherwise it is found as a shell finds it.
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The program with everything, on the same arguments; `options` are cargo's. The working directory stays: paths may be
/// relative to it.
fn full(
    cargo: OsString,
    options: &[String],
    workspace: &Path,
    arguments: impl Iterator<Item = OsString>,
) -> Command {
    let mut command = Command::new(cargo);
    command.arg("run").args(options).args(["--package", "xtask", "--features", "full", "--manifest-path"]);
    command.arg(workspace.join("Cargo.toml")).arg("--").args(arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    #[test]
    fn arguments_are_passed_on_as_they_are() {
        let arguments = ["lock", "--report", "a b", "--check"].map(OsString::from);
        let options = ["--quiet", "--color", "never"].map(str::to_owned);
        let command = full("/bin/cargo".into(), &options, Path::new("/src/qus"), arguments.into_iter());
        assert_eq!(command.get_program(), "/bin/cargo");
        let expected = ["run", "--quiet", "--color", "never", "--package", "xtask", "--features", "full"];
        let expected = expected
            .into_iter()
            .chain(["--manifest-path", "/src/qus/Cargo.toml"])
            .chain(["--", "lock", "--report", "a b", "--check"]);
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
