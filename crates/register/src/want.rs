//! From a request to the entries that the kernel is to hold.

use arch::Target;
use binfmt::{Entry, Flags, Kernel};

use crate::cpu;
use crate::error::Error;
use crate::interpreter::{self, Facts, Finder, Problem, Version};
use crate::machine::{Kinship, Machine};
use crate::request::{Request, Selection};

/// The name of a target's entry.
pub fn entry_name(target: Target) -> String {
    format!("qemu-{target}")
}

/// The fate of a target that was selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// To be registered.
    Register(Target),
    /// The machine's own.
    Native(Target),
    /// The machine runs its programs too.
    Runs(Target),
}

/// Decides which of the selected targets need an entry. `runs` says whether the machine runs a target's programs
/// without one; it is only asked about the machine's own family.
pub fn choose(request: &Request, machine: &Machine, mut runs: impl FnMut(Target) -> bool) -> Vec<Choice> {
    let mut asked: Vec<(Target, bool)> = Vec::new();
    let choices = request.selection.targets().into_iter().map(|target| match machine.kinship(target) {
        Kinship::Native => Choice::Native(target),
        Kinship::Family if !request.ignore_family => {
            // i486's programs run where i386's do.
            let family = target.binary();
            let known = asked.iter().find(|(other, _)| *other == family).map(|(_, answer)| *answer);
            let answer = known.unwrap_or_else(|| runs(family));
            if known.is_none() {
                asked.push((family, answer));
            }
            if answer { Choice::Runs(target) } else { Choice::Register(target) }
        }
        Kinship::Family | Kinship::Foreign => Choice::Register(target),
    });
    choices.collect()
}

/// An entry that the kernel is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The target.
    pub target: Target,
    /// The entry.
    pub entry: Entry,
    /// The facts about its interpreter; `None` where it is not here, and need not be.
    pub facts: Option<Facts>,
    /// The CPU model that a copy of the interpreter gets.
    pub model: Option<String>,
}

/// Makes the entry for a target; `versions` is for all targets of one run.
///
/// # Errors
/// The interpreter's [`Problem`] if the kernel is to open it now, or anything that makes the entry impossible.
pub fn wanted(
    request: &Request,
    target: Target,
    machine: &Machine,
    kernel: Option<Kernel>,
    versions: &mut Finder,
) -> Result<Wanted, Refusal> {
    let path = request.interpreter(target);
    let facts = match interpreter::inspect(&path, target, machine, versions) {
        Ok(facts) => Some(facts),
        Err(problem) if request.persistent => return Err(Refusal::Interpreter(problem)),
        // Every container will bring its own.
        Err(_) => None,
    };
    let version = facts.and_then(|facts| facts.version);
    let model = cpu::choose(request, target, version).map_err(Refusal::Model)?;
    let flags = flags(request, facts, kernel);
    let magic = target.magic();
    let entry = Entry::new(&entry_name(target), (magic.value(), magic.mask()), &path, flags);
    match entry {
        Ok(entry) => Ok(Wanted { target, entry, facts, model }),
        Err(invalid) => Err(Refusal::Entry(invalid)),
    }
}

/// The reason why there can be no entry for a target.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Its interpreter will not do.
    #[error("{0}")]
    Interpreter(Problem),
    /// Its interpreter cannot have the CPU model that was asked for.
    #[error("{}", .0.message())]
    Model(Error),
    /// The kernel would refuse it.
    #[error("{0}")]
    Entry(binfmt::Invalid),
}

/// `P` is an agreement: the kernel passes `argv[0]` as one more argument, and QEMU must know that it does. Without
/// an answer from either, it would take that argument for the program's path. So it is only set where both are known to
/// be new enough, and where the binary that was looked at is the one that will run.
fn flags(request: &Request, facts: Option<Facts>, kernel: Option<Kernel>) -> Flags {
    let agreed = request.persistent
        && kernel.is_some_and(|kernel| kernel >= Kernel::TELLS_PRESERVE_ARGV0)
        && facts
            .and_then(|facts| facts.version)
            .is_some_and(|version| version >= Version::ASKS_PRESERVE_ARGV0);
    Flags::FIX_BINARY.when(request.persistent)
        | Flags::CREDENTIALS.when(request.credential)
        | Flags::PRESERVE_ARGV0.when(request.preserve_argv0.unwrap_or(agreed))
}

impl Refusal {
    /// True if the interpreter is simply not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Refusal::Interpreter(Problem::Missing(_)))
    }

    /// With what to do about it.
    pub fn error(&self, request: &Request, target: Target) -> Error {
        let error = Error::new(format_args!("cannot register {target}: {self}"));
        match self {
            Refusal::Interpreter(Problem::Missing(_)) => match elsewhere(request, target) {
                Some(hint) => error.hint(hint),
                None => error,
            },
            Refusal::Interpreter(Problem::NotExecutable(path)) => {
                error.hint(format_args!("chmod +x {}", path.display()))
            }
            Refusal::Interpreter(Problem::WrongMachine { machine, .. }) => {
                error.hint(format_args!("use the QEMU binaries for {machine} hosts"))
            }
            Refusal::Model(model) => match model.what_to_do() {
                Some(hint) => error.hint(hint),
                None => error,
            },
            Refusal::Interpreter(_) | Refusal::Entry(_) => error,
        }
    }
}

/// The places where a missing interpreter may be instead.
fn elsewhere(request: &Request, target: Target) -> Option<String> {
    let with = |suffix: &str| Request { suffix: suffix.into(), ..request.clone() }.interpreter(target);
    if request.suffix.is_empty() && with("-static").exists() {
        return Some(format!("{} is there: add -s (--static)", with("-static").display()));
    }
    if !request.suffix.is_empty() && with("").exists() {
        return Some(format!("{} is there: leave out -s (--static) or the suffix", with("").display()));
    }
    let dir = request.dir.display();
    let holds_any = std::fs::read_dir(&request.dir).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().as_encoded_bytes().starts_with(b"qemu-")))
    });
    if holds_any {
        let has_it = match target.dropped() {
            None => "aptman/qus:latest has every target's".to_owned(),
            Some((major, minor)) => {
                format!(
                    "QEMU has dropped {target} in {major}.{minor}, and Debian 12 is the last release that has it"
                )
            }
        };
        return matches!(request.selection, Selection::Named(_))
            .then(|| format!("{dir} has other targets' binaries: ls {dir}; {has_it}"));
    }
    Some(format!(
        "{dir} holds no QEMU binaries; set QEMU_BIN_DIR or --qemu-path, or use an image that has them"
    ))
}

#[cfg(test)]
#[path = "want_tests.rs"]
mod tests;
