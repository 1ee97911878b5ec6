//! The reasons why nothing was run: messages, hints, exit codes.

use std::io;
use std::path::PathBuf;

use arch::Target;
use exec::mode::{Mode, Refusal, Unavailable};
use rustix::io::Errno;

use crate::args::UsageError;
use crate::cpu::Unknown;
use crate::emulators::Missing;

/// A failure of this program's, or of the exec of the command.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A mistake on the command line.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// No `/proc`.
    #[error("/proc is not mounted")]
    NoProc,
    /// A command that is nowhere in the `PATH`.
    #[error("cannot find {} in PATH", .0.display())]
    NotFound(PathBuf),
    /// An exec that the kernel has refused.
    #[error("cannot execute {}: {source}", .path.display())]
    Execute {
        /// The program.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A foreign program, and nothing to run it.
    #[error("{missing} ({} is {} {target} program)", .path.display(), article(*.target))]
    NoQemu {
        /// The program.
        path: PathBuf,
        /// Its target.
        target: Target,
        /// The thing that is missing.
        missing: Missing,
        /// The places where it was looked for.
        places: String,
    },
    /// A program of a machine that QEMU does not emulate.
    #[error("{} is for machine {machine:#x}, which QEMU does not emulate", .path.display())]
    Unknown {
        /// The program.
        path: PathBuf,
        /// The number in its header.
        machine: u16,
    },
    /// A CPU model that QEMU does not have.
    #[error("{}", no_model(.0))]
    NoModel(Box<Unknown>),
    /// No mode can be had.
    #[error("{}", unavailable(.0))]
    Unavailable(Unavailable),
    /// A QEMU that is in the way.
    #[error(transparent)]
    Qemu(Missing),
    /// Something that the command needs around it.
    #[error("{what}: {source}")]
    Setup {
        /// The operation.
        what: String,
        /// The reason.
        source: io::Error,
    },
}

impl Failure {
    /// 127 for a command that was not found, 126 for one that cannot be executed, 125 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::NotFound(_) => 127,
            Failure::Execute { source, .. } if Errno::from_io_error(source) == Some(Errno::NOENT) => 127,
            Failure::Execute { .. } | Failure::NoQemu { .. } | Failure::Unknown { .. } => 126,
            _ => 125,
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Failure::Usage(_) => Some("--help lists the options".to_owned()),
            Failure::NoProc => Some("mount -t proc proc /proc".to_owned()),
            Failure::NoQemu { target, places, .. } => {
                Some(format!("use aptman/qus:run-{}, or --qemu-dir DIR; looked in {places}", target.binary()))
            }
            Failure::NoModel(unknown) => Some(models(unknown)),
            Failure::Unavailable(Unavailable(refusals)) if refusals.len() > 1 => {
                let reasons: Vec<String> = refusals.iter().map(|(_, refusal)| refusal.to_string()).collect();
                Some(reasons.join("; "))
            }
            _ => None,
        }
    }
}

fn unavailable(Unavailable(refusals): &Unavailable) -> String {
    match refusals.as_slice() {
        [(mode, Refusal(reason))] => format!("{mode}: {reason}"),
        _ if refusals.iter().any(|(mode, _)| *mode == Mode::Trace) => "cannot watch programs here".to_owned(),
        _ => "no mode can be had here".to_owned(),
    }
}

fn no_model(unknown: &Unknown) -> String {
    let model = &unknown.model;
    match unknown.of {
        None => format!("no QEMU here has a CPU model `{model}`"),
        Some((target, None)) => format!("QEMU has no CPU model `{model}` for {target}"),
        Some((target, Some(version))) => format!("QEMU {version} has no CPU model `{model}` for {target}"),
    }
}

/// The most models that a hint lists.
const MOST_MODELS: usize = 40;

/// The models that there are.
fn models(unknown: &Unknown) -> String {
    let has = |target: &Target| target.cpu_models().iter().any(|model| model.name == unknown.model);
    let other = Target::all().find(has).filter(|other| unknown.of.is_none_or(|(target, _)| target != *other));
    let mut hint = other.map_or_else(String::new, |other| format!("that is one of {other}'s; "));
    if !unknown.known.is_empty() {
        let (listed, rest) = unknown.known.split_at(unknown.known.len().min(MOST_MODELS));
        hint += &format!("it has {}{}; ", listed.join(", "), if rest.is_empty() { "" } else { " and more" });
    }
    hint + "--cpu qemu is its own default"
}

/// The article before a target's name, as it is read out.
fn article(target: Target) -> &'static str {
    let name = target.name();
    let is_vowel = name.starts_with(['a', 'i', 'o', 'x']);
    let is_letter = ["hppa", "m68k", "s390x", "sh4", "sh4eb"].contains(&name);
    if is_vowel || is_letter { "an" } else { "a" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(failure: &Failure, message: &str, hint: Option<&str>) {
        assert_eq!((failure.exit_code(), failure.hint().as_deref()), (125, hint));
        assert_eq!(failure.to_string(), message);
    }

    /// Every other failure is met by `tests/it/messages.rs`, in the program itself.
    #[test]
    fn models_and_modes_that_cannot_be_had() {
        let unknown = |of, known: &[&str]| {
            let known = known.iter().map(|name| (*name).to_owned()).collect();
            Failure::NoModel(Box::new(Unknown { model: "neoverse-n1".to_owned(), of, known }))
        };
        let [aarch64, riscv64] = ["aarch64", "riscv64"].map(|name| name.parse().unwrap());
        check(
            &unknown(Some((riscv64, Some(qemu::Version(7, 2, 22)))), &["any", "rv64"]),
            "QEMU 7.2.22 has no CPU model `neoverse-n1` for riscv64",
            Some("that is one of aarch64's; it has any, rv64; --cpu qemu is its own default"),
        );
        check(
            &unknown(Some((aarch64, None)), &["max"; 41]),
            "QEMU has no CPU model `neoverse-n1` for aarch64",
            Some(&format!("it has {} and more; --cpu qemu is its own default", ["max"; 40].join(", "))),
        );
        check(
            &unknown(None, &[]),
            "no QEMU here has a CPU model `neoverse-n1`",
            Some("that is one of aarch64's; --cpu qemu is its own default"),
        );
        let refusal = |mode, reason: &str| (mode, Refusal(reason.to_owned()));
        check(
            &Failure::Unavailable(Unavailable(vec![
                refusal(Mode::Kernel, "nothing runs aarch64 programs here"),
                refusal(Mode::Trace, "ptrace: EPERM"),
            ])),
            "cannot watch programs here",
            Some("nothing runs aarch64 programs here; ptrace: EPERM"),
        );
        check(
            &Failure::Unavailable(Unavailable(vec![refusal(Mode::Trace, "seccomp: ENOSYS")])),
            "trace: seccomp: ENOSYS",
            None,
        );
    }

    #[test]
    fn articles_as_names_are_read_out() {
        for (name, expected) in
            [("aarch64", "an"), ("riscv64", "a"), ("s390x", "an"), ("x86_64", "an"), ("mips", "a")]
        {
            assert_eq!(article(name.parse().unwrap()), expected, "{name}");
        }
    }
}
