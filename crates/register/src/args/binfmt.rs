//! tonistiigi/binfmt's command line: `--install`, `--uninstall`, `--mount`, `--version`, with one dash or two.

use std::ffi::OsString;
use std::path::PathBuf;

use usage::{Flag, Kind, Row, Takes, Value};

use super::{UsageError, names, path, unknown_option, utf8};

/// The meaning of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table below says what each does")]
pub enum Opt {
    Ephemeral,
    Force,
    Help,
    Install,
    Mount,
    NoCheck,
    Uninstall,
    Version,
}

/// The options.
#[rustfmt::skip]
pub const OPTIONS: [Flag<Opt>; 8] = [
    Flag::new(Opt::Install, &["install"], "register these, as arm64,riscv64,arm").value(Value::One("LIST|all", Kind::Targets)),
    Flag::new(Opt::Uninstall, &["uninstall"], "remove these, as arm64 or qemu-aarch64 or 'qemu-*'").value(Value::One("LIST|PATTERN", Kind::Targets)),
    Flag::new(Opt::Mount, &["mount"], "where binfmt_misc is (default $QUS_BINFMT_MISC, /proc/sys/fs/binfmt_misc)").value(Value::One("DIR", Kind::Folder)),
    Flag::new(Opt::Version, &["version"], "versions of this program and of its QEMU"),
    Flag::new(Opt::Force, &["force"], "replace and remove other tools' entries too"),
    Flag::new(Opt::Ephemeral, &["ephemeral"], "accept entries that vanish with this container"),
    Flag::new(Opt::NoCheck, &["no-check"], "run no programs; `supported` then goes by the entries"),
    Flag::new(Opt::Help, &["h", "help"], "").hidden(2),
];

static ROWS: [Row<Opt>; OPTIONS.len()] = usage::rows(&OPTIONS);

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
        let Some(row) = ROWS.iter().find(|row| row.names.contains(&name)) else {
            let names = ROWS.iter().flat_map(|row| row.names.iter().copied());
            return Err(unknown_option(text.split('=').next().unwrap_or_default(), names));
        };
        let value = match (row.takes, attached) {
            (Takes::Value, None) => arguments.next(),
            // As Go's flags do, these end the command line.
            (Takes::Nothing, Some(_)) if matches!(row.option, Opt::Help | Opt::Version) => None,
            (Takes::Nothing, Some(value)) => {
                let value = value.to_string_lossy().into_owned();
                return Err(UsageError::UnexpectedValue(format!("--{name}"), value));
            }
            (_, attached) => attached,
        };
        let value = value.filter(|value| !(row.is_folder && value.is_empty()));
        let needed = || UsageError::MissingValue(format!("--{name}"));
        match row.option {
            Opt::Help => return Ok(Invocation::Help),
            Opt::Version => return Ok(Invocation::Version),
            Opt::Force => args.force = true,
            Opt::NoCheck => args.no_check = true,
            Opt::Ephemeral => args.ephemeral = true,
            Opt::Install => args.install.extend(names(utf8(&value.ok_or_else(needed)?)?)),
            Opt::Uninstall => args.uninstall.extend(names(utf8(&value.ok_or_else(needed)?)?)),
            Opt::Mount => args.mount = Some(path(&value.ok_or_else(needed)?)),
        }
    }
    Ok(Invocation::Run(args))
}
