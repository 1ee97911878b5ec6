//! tonistiigi/binfmt's command line: `--install`, `--uninstall`, `--mount`, `--version`, with one dash or two.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{UsageError, names, path, unknown_option, utf8};

/// The options, for suggestions.
const OPTIONS: [&str; 8] =
    ["help", "version", "install", "uninstall", "mount", "force", "no-check", "ephemeral"];

/// The work under the name `binfmt`.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    /// Print that tool's help.
    Help,
    /// Print versions.
    Version,
    /// Uninstall, install, and print what there is then.
    Run(Args),
}

/// The lists as they were given.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Args {
    /// `--uninstall`: names, entries' names or patterns.
    pub uninstall: Vec<String>,
    /// `--install`: names, or `all`.
    pub install: Vec<String>,
    /// `--mount`
    pub mount: Option<PathBuf>,
    /// Ours, for both: replace and remove entries of other tools.
    pub force: bool,
    /// Ours: do not run programs.
    pub no_check: bool,
    /// Ours: accept entries that vanish with the container.
    pub ephemeral: bool,
}

pub(super) fn parse(arguments: Vec<OsString>) -> Result<Invocation, UsageError> {
    let mut args = Args::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let text = utf8(&argument)?;
        let Some(option) =
            text.strip_prefix("--").or_else(|| text.strip_prefix('-')).filter(|name| !name.is_empty())
        else {
            return Err(UsageError::UnexpectedArgument(text.to_owned()));
        };
        let (name, attached) = match option.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (option, None),
        };
        match name {
            "h" | "help" => return Ok(Invocation::Help),
            "version" => return Ok(Invocation::Version),
            "force" | "no-check" | "ephemeral" if attached.is_some() => {
                let value = attached.unwrap_or_default();
                return Err(UsageError::UnexpectedValue(
                    format!("--{name}"),
                    value.to_string_lossy().into_owned(),
                ));
            }
            "force" => args.force = true,
            "no-check" => args.no_check = true,
            "ephemeral" => args.ephemeral = true,
            "install" | "uninstall" | "mount" => {
                let value = attached.or_else(|| arguments.next());
                let value = value.ok_or_else(|| UsageError::MissingValue(format!("--{name}")))?;
                match name {
                    "install" => args.install.extend(names(utf8(&value)?)),
                    "uninstall" => args.uninstall.extend(names(utf8(&value)?)),
                    _ => args.mount = Some(path(&value)),
                }
            }
            _ => return Err(unknown_option(text.split('=').next().unwrap_or_default(), OPTIONS)),
        }
    }
    Ok(Invocation::Run(args))
}
