//! The meaning of `register`'s options together.

use std::ffi::OsString;
use std::path::PathBuf;

use arch::Suggestion;

use super::options::Opt;
use super::scan::{Scanner, Side, Token};
use super::{Invocation, UsageError, names, path, utf8};

/// Everything that was asked for. `None` is what was not given, which the environment may decide.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Args {
    /// The first steps, in the order of the arguments.
    pub steps: Vec<Step>,
    /// The next step.
    pub action: Option<Action>,
    /// The extent of the run.
    pub mode: Mode,
    /// The targets, as they were given; none means all.
    pub targets: Vec<String>,
    /// `-s` before `--`: the binaries' names end in `-static`.
    pub r#static: bool,
    /// `-p`
    pub persistent: Option<bool>,
    /// `-c`
    pub credential: Option<bool>,
    /// `--cpu`
    pub cpu: Option<Cpu>,
    /// `-g`
    pub preserve_argv0: Option<bool>,
    /// `-i` after `--`
    pub ignore_family: Option<bool>,
    /// `-Q`
    pub qemu_path: Option<PathBuf>,
    /// `-F`
    pub qemu_suffix: Option<OsString>,
    /// `-e` after `--`
    pub exportdir: Option<PathBuf>,
    /// `--mount`
    pub mount: Option<PathBuf>,
    /// `--force`
    pub force: bool,
    /// `--check` or `--no-check`
    pub check: Option<bool>,
    /// `--check=full`
    pub full: bool,
    /// `--ephemeral`
    pub ephemeral: bool,
}

/// The steps of `-l`, `--json` and `-r` before `--`, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// List entries, for people.
    List,
    /// List entries, for machines.
    Json,
    /// Remove all entries that `register` could have made.
    Reset,
}

/// The purpose of a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Register the targets.
    Register,
    /// Remove the targets' entries.
    Remove,
    /// Run a program of each target.
    Check,
    /// Write files from which something else registers the targets at each boot.
    Export(Style),
    /// Remove such files.
    Unexport(Style),
}

/// The reader of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// systemd-binfmt.service
    Systemd,
    /// update-binfmts(8)
    Debian,
}

/// The CPU models that QEMUs get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cpu {
    /// The one that the table prefers for each target.
    Preferred,
    /// The one that each QEMU chooses.
    Qemus,
    /// This one.
    Model(String),
}

/// The extent of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// All the way.
    #[default]
    Do,
    /// Check that the kernel would let us, and say what would be done (`-t` after `--`).
    Test,
    /// Say what would be done, and do not even look for binfmt_misc.
    DryRun,
}

/// The other options that were seen, and decide what the whole is for.
#[derive(Default)]
struct Seen {
    /// An option that only makes sense when registering.
    registering: bool,
    clear: bool,
    check: bool,
    exit: bool,
    export: Option<Style>,
}

pub(super) fn parse(arguments: Vec<OsString>) -> Result<Invocation, UsageError> {
    let mut scanner = Scanner::new(arguments);
    let mut args = Args::default();
    let mut seen = Seen::default();
    while let Some(token) = scanner.next()? {
        match token {
            // Help after `--` was QEMU's script's, which exits with 1.
            Token::Plain(Opt::Help) => return Ok(Invocation::Help(u8::from(scanner.side() == Side::After))),
            Token::Plain(Opt::Version) => return Ok(Invocation::Version),
            Token::Plain(Opt::Interactive) => return Ok(Invocation::Shell(command(scanner.into_rest()))),
            Token::Plain(opt) => plain(opt, &mut args, &mut seen)?,
            Token::YesNo(opt, yes) => {
                match opt {
                    Opt::Credential => args.credential = Some(yes),
                    Opt::PreserveArgv0 => args.preserve_argv0 = Some(yes),
                    Opt::IgnoreFamily => args.ignore_family = Some(yes),
                    _ => args.persistent = Some(yes),
                }
                seen.registering = true;
            }
            Token::Value(opt, value) => match opt {
                Opt::Mount => args.mount = Some(path(&value)),
                Opt::Targets => {
                    args.targets.extend(names(utf8(&value)?));
                    seen.registering = true;
                }
                Opt::ExportDir => args.exportdir = Some(path(&value)),
                Opt::Cpu => {
                    args.cpu = Some(match utf8(&value)? {
                        "qemu" => Cpu::Qemus,
                        model => Cpu::Model(model.to_owned()),
                    });
                    seen.registering = true;
                }
                Opt::Check => {
                    let extent = value.to_string_lossy();
                    if extent != "full" {
                        let suggestion = Suggestion::among(["full"], &extent);
                        return Err(UsageError::UnknownExtent(extent.into_owned(), suggestion));
                    }
                    (args.check, args.full, seen.check) = (Some(true), true, true);
                }
                Opt::Path => args.qemu_path = Some(path(&value)),
                _ => args.qemu_suffix = Some(value),
            },
            Token::Word(word) => args.targets.extend(names(utf8(&word)?)),
        }
    }
    args.action = action(&mut args, &seen, scanner.separated());
    if args.action == Some(Action::Check) && args.check == Some(false) {
        return Err(UsageError::Conflict("--check", "--no-check"));
    }
    Ok(Invocation::Register(Box::new(args)))
}

fn plain(opt: Opt, args: &mut Args, seen: &mut Seen) -> Result<(), UsageError> {
    match opt {
        Opt::Check => (args.check, seen.check) = (Some(true), true),
        Opt::NoCheck => (args.check, args.full) = (Some(false), false),
        Opt::Clear => seen.clear = true,
        Opt::Cpu => (args.cpu, seen.registering) = (Some(Cpu::Preferred), true),
        Opt::DryRun => args.mode = Mode::DryRun,
        Opt::Test if args.mode == Mode::Do => args.mode = Mode::Test,
        Opt::Ephemeral => args.ephemeral = true,
        Opt::Exit => seen.exit = true,
        Opt::Force => args.force = true,
        Opt::List => args.steps.push(Step::List),
        Opt::Json => args.steps.push(Step::Json),
        Opt::Reset => args.steps.push(Step::Reset),
        Opt::Static => args.r#static = true,
        Opt::Systemd if seen.export == Some(Style::Debian) => return Err(EXPORTS),
        Opt::Debian if seen.export == Some(Style::Systemd) => return Err(EXPORTS),
        Opt::Systemd => seen.export = Some(Style::Systemd),
        Opt::Debian => seen.export = Some(Style::Debian),
        // A second `-t`; the rest are not without values, or handled by the caller.
        _ => {}
    }
    Ok(())
}

const EXPORTS: UsageError = UsageError::Conflict("--systemd", "--debian");

/// The purpose of the whole command line.
///
/// `-l`, `--json` and `-r` alone do only that. The old script went on to register everything even then, so people wrote
/// `-l -- -t` and `-r -e`, which still work; as do `-l -- -p` and `-s -r -t arm`, which mean to go on.
fn action(args: &mut Args, seen: &Seen, separated: bool) -> Option<Action> {
    let resets = args.steps.contains(&Step::Reset);
    let goes_on = separated || seen.registering || seen.export.is_some() || (resets && args.r#static);
    if seen.exit {
        return seen.check.then_some(Action::Check);
    }
    if seen.clear {
        return Some(seen.export.map_or(Action::Remove, Action::Unexport));
    }
    if seen.check && !seen.registering && seen.export.is_none() {
        return Some(Action::Check);
    }
    if let Some(style) = seen.export {
        return Some(Action::Export(style));
    }
    if args.steps == [Step::Reset] && !goes_on && !args.targets.is_empty() {
        args.steps.clear();
        return Some(Action::Remove);
    }
    if goes_on || args.steps.is_empty() { Some(Action::Register) } else { None }
}

/// `-i` alone is a shell; one argument is a shell's command line, as it always was; several are a command and its
/// arguments, which no shell takes apart again.
fn command(mut rest: Vec<OsString>) -> Vec<OsString> {
    if rest.first().is_some_and(|first| first == "--") {
        rest.remove(0);
    }
    match rest.as_slice() {
        [] => vec!["sh".into()],
        [line] if line.as_encoded_bytes().iter().any(|byte| !is_plain(*byte)) => {
            vec!["sh".into(), "-c".into(), line.clone()]
        }
        _ => rest,
    }
}

/// True if a byte can be in a command's name without meaning anything to a shell.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte) || !byte.is_ascii()
}
