//! The command line.

pub mod options;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use exec::cpu;
use exec::mode::Wanted;
use usage::{Row, Takes};

use options::{OPTIONS, Opt};

static ROWS: [Row<Opt>; OPTIONS.len()] = usage::rows(&OPTIONS);

/// The names under which BuildKit starts an emulator: the one that it looks for, and the one that it mounts it under
/// (solver/llbsolver/ops/exec_binfmt.go).
const BUILDKIT: [&[u8]; 2] = [b"buildkit-qemu-", b".buildkit_qemu_emulator"];

/// The action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// Say what could be done.
    Check {
        /// As JSON.
        is_json: bool,
        /// With these options.
        options: Options,
    },
    /// Copy this program and its QEMUs to a folder.
    Install(PathBuf, Options),
    /// Run a command.
    Run(Vec<OsString>, Options),
}

/// The settings of the action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The folder to run in, as the root.
    pub root: Option<PathBuf>,
    /// The mode.
    pub mode: Wanted,
    /// The CPU to emulate.
    pub cpu: cpu::Wanted,
    /// The folder where QEMU is looked for first.
    pub qemu_dir: Option<PathBuf>,
    /// True to report every exec.
    pub is_verbose: bool,
}

/// A command line that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// An option that there is not.
    #[error("unknown option `{0}`")]
    Unknown(String),
    /// An option without its value.
    #[error("`--{0}` needs a value")]
    NoValue(&'static str),
    /// A value with an option that has none.
    #[error("`--{0}` takes no value")]
    Value(&'static str),
    /// A mode that there is not.
    #[error("unknown mode `{0}`: there are auto, kernel, userns, notify and trace")]
    Mode(String),
    /// An option that goes with another only.
    #[error("`--json` goes with `--check`")]
    Json,
    /// Nothing to run.
    #[error("no command is given")]
    NoCommand,
    /// Something to run, and another thing to do.
    #[error("`{0}` takes no command")]
    Command(&'static str),
}

/// Reads a command line, the program's own name first.
///
/// # Errors
/// [`UsageError`]
pub fn parse(arguments: Vec<OsString>) -> Result<Invocation, UsageError> {
    let mut arguments = arguments.into_iter();
    let own = arguments.next().unwrap_or_default();
    let name = Path::new(&own).file_name().unwrap_or_default().as_bytes();
    if BUILDKIT.iter().any(|prefix| name.starts_with(prefix)) {
        return command(arguments.collect(), Options::default());
    }
    let mut options = Options::default();
    let (mut check, mut is_json, mut install) = (false, false, None);
    let mut rest: Vec<OsString> = Vec::new();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            break;
        }
        if !argument.as_bytes().starts_with(b"-") || argument == "-" {
            rest.push(argument);
            break;
        }
        let (name, attached) = split(&argument);
        let found = ROWS.iter().find_map(|row| Some((row, row.names.iter().find(|known| is(known, name))?)));
        let Some((row, name)) = found else {
            return Err(UsageError::Unknown(argument.to_string_lossy().into_owned()));
        };
        let value = match (row.takes, attached) {
            (Takes::Value, attached) => {
                let value = attached.map(OsStr::to_owned).or_else(|| arguments.next());
                // Every value is a name or a path, and the empty path would be the current directory.
                value.filter(|value| !value.is_empty()).ok_or(UsageError::NoValue(name))?
            }
            (_, Some(_)) => return Err(UsageError::Value(name)),
            (_, None) => OsString::new(),
        };
        match row.option {
            Opt::Help => return Ok(Invocation::Help),
            Opt::Version => return Ok(Invocation::Version),
            Opt::Verbose => options.is_verbose = true,
            Opt::Check => check = true,
            Opt::Json => is_json = true,
            Opt::Root => options.root = Some(value.into()),
            Opt::QemuDir => options.qemu_dir = Some(value.into()),
            Opt::Cpu => options.cpu = cpu::Wanted::parse(&value.to_string_lossy()),
            Opt::Install => install = Some(PathBuf::from(value)),
            Opt::Mode => {
                let word = value.to_string_lossy().into_owned();
                options.mode = Wanted::parse(&word).ok_or(UsageError::Mode(word))?;
            }
        }
    }
    rest.extend(arguments);
    match (check, install) {
        (true, _) if !rest.is_empty() => Err(UsageError::Command("--check")),
        (true, Some(_)) => Err(UsageError::Command("--check")),
        (true, None) => Ok(Invocation::Check { is_json, options }),
        (false, _) if is_json => Err(UsageError::Json),
        (false, Some(_)) if !rest.is_empty() => Err(UsageError::Command("--install")),
        (false, Some(dir)) => Ok(Invocation::Install(dir, options)),
        (false, None) => command(rest, options),
    }
}

fn command(command: Vec<OsString>, options: Options) -> Result<Invocation, UsageError> {
    if command.is_empty() { Err(UsageError::NoCommand) } else { Ok(Invocation::Run(command, options)) }
}

/// True if `spelling` is `name` with its dashes.
fn is(name: &str, spelling: &[u8]) -> bool {
    spelling.strip_prefix(usage::dashes(name).as_bytes()) == Some(name.as_bytes())
}

/// An option's name, and its value behind `=`.
fn split(argument: &OsStr) -> (&[u8], Option<&OsStr>) {
    let bytes = argument.as_bytes();
    match bytes.iter().position(|byte| *byte == b'=') {
        Some(at) if bytes.starts_with(b"--") => (&bytes[..at], Some(OsStr::from_bytes(&bytes[at + 1..]))),
        _ => (bytes, None),
    }
}

#[cfg(test)]
mod tests {
    use exec::mode::Mode;

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn check(line: &str, expected: Result<Invocation, &str>) {
        let actual = parse(words(line)).map_err(|error| error.to_string());
        assert_eq!(actual, expected.map_err(str::to_owned), "{line}");
    }

    fn run(command: &str, options: Options) -> Result<Invocation, &'static str> {
        Ok(Invocation::Run(words(command), options))
    }

    #[test]
    fn options_end_at_the_first_word() {
        let none = Options::default;
        check("run ./a", run("./a", none()));
        check("/qus/run sh -c -v", run("sh -c -v", none()));
        check("run -- -a --root", run("-a --root", none()));
        check("run - x", run("- x", none()));
        let verbose = || Options { is_verbose: true, ..none() };
        check("run -v a -v", run("a -v", verbose()));
        check("run -v -- -v", run("-v", verbose()));
        let root = |root: &str| Options { root: Some(root.into()), ..none() };
        check("run --root r /bin/sh", run("/bin/sh", root("r")));
        check("run --root=r=s /bin/sh", run("/bin/sh", root("r=s")));
        check(
            "run --mode trace --qemu-dir q a",
            run("a", Options { mode: Wanted::Only(Mode::Trace), qemu_dir: Some("q".into()), ..none() }),
        );
        check("run --mode=auto --cpu auto a", run("a", none()));
        let cpu = |cpu| Options { cpu, ..none() };
        check("run --cpu qemu a", run("a", cpu(cpu::Wanted::Default)));
        check("run --cpu=max,v=on a", run("a", cpu(cpu::Wanted::Model("max,v=on".to_owned()))));
    }

    #[test]
    fn other_things_to_do() {
        let none = Options::default;
        check("run --help", Ok(Invocation::Help));
        check("run -v -h x", Ok(Invocation::Help));
        check("run --version", Ok(Invocation::Version));
        check("run --check", Ok(Invocation::Check { is_json: false, options: none() }));
        check("run --json --check", Ok(Invocation::Check { is_json: true, options: none() }));
        check("run --install /out", Ok(Invocation::Install("/out".into(), none())));
    }

    #[test]
    fn mistakes() {
        for (line, expected) in [
            ("run", "no command is given"),
            ("run -v --", "no command is given"),
            ("run -x a", "unknown option `-x`"),
            ("run --rot=/ a", "unknown option `--rot=/`"),
            ("run --root", "`--root` needs a value"),
            ("run --help=x", "`--help` takes no value"),
            ("run --verbose=x a", "`--verbose` takes no value"),
            ("run --mode fast a", "unknown mode `fast`: there are auto, kernel, userns, notify and trace"),
            ("run --json a", "`--json` goes with `--check`"),
            ("run --check a", "`--check` takes no command"),
            ("run --install d a", "`--install` takes no command"),
            ("run --install=", "`--install` needs a value"),
            ("run --root= a", "`--root` needs a value"),
        ] {
            check(line, Err(expected));
        }
    }

    #[test]
    fn every_mode_that_completions_offer_is_one() {
        for mode in options::MODES.split(' ') {
            assert!(Wanted::parse(mode).is_some(), "{mode}");
        }
    }

    #[test]
    fn all_of_buildkits_arguments_are_the_command() {
        for own in ["/usr/bin/buildkit-qemu-aarch64", "/dev/.buildkit_qemu_emulator"] {
            check(&format!("{own} --root -v"), run("--root -v", Options::default()));
            check(own, Err("no command is given"));
        }
    }
}
