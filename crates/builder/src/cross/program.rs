//! The programs that are built for hosts.

use std::collections::BTreeMap;
use std::fmt;

use arch::Host;
use attest::Linked;
use sha256::Digest;

/// A program of ours that images hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// Tells the kernel which QEMU runs which program.
    Register,
    /// Runs foreign programs without that.
    Run,
}

/// A program that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// The file's content.
    pub bytes: Vec<u8>,
    /// That of `bytes`.
    pub digest: Digest,
    /// Everything that was linked into it.
    pub linked: Linked,
}

/// Programs that were built, each for one host.
pub type Programs = BTreeMap<(Program, Host), Binary>;

impl Program {
    /// The programs that `host` has.
    pub fn of(host: Host) -> impl Iterator<Item = Program> {
        [Program::Register, Program::Run].into_iter().filter(move |program| program.is_for(host))
    }

    /// True if it is built for `host`.
    fn is_for(self, host: Host) -> bool {
        match self {
            Program::Register => host.has_register(),
            Program::Run => host.has_run(),
        }
    }

    /// The name that cargo gives the file.
    pub fn name(self) -> &'static str {
        match self {
            Program::Register => "register",
            Program::Run => "run",
        }
    }

    /// The package that it is built from.
    pub(super) fn package(self) -> &'static str {
        match self {
            Program::Register => "qus-register",
            Program::Run => "qus-run",
        }
    }

    /// The name of the file that is kept for `host`. `register` has had the host's own since it was the only one.
    pub fn file(self, host: Host) -> String {
        match self {
            Program::Register => host.name().to_owned(),
            Program::Run => format!("run-{host}"),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Programs as part of a sentence: `` `register` and `run` ``.
pub(super) fn list(programs: &[Program]) -> String {
    let names: Vec<String> = programs.iter().map(|program| format!("`{program}`")).collect();
    names.join(" and ")
}
