//! The first bytes of a file, and what they make of it.

use arch::{Elf, Target};

pub use crate::script::SIZE;
use crate::script::{Script, filled_up};

/// The kind of a file to execve(2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A program of a target that this machine does not run by itself.
    Foreign(Target),
    /// A script with an interpreter.
    Script(Script),
    /// A program for a machine that is in no table, by its number in the register of machines.
    Unknown(u16),
    /// Anything else: programs of this machine, and what no machine executes.
    Other,
}

/// The targets whose programs this machine runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Natives(Vec<Target>);

impl Natives {
    /// These, and those that share their QEMU.
    pub fn new(targets: impl IntoIterator<Item = Target>) -> Natives {
        Natives(targets.into_iter().map(Target::binary).collect())
    }

    /// True if the machine runs `target`'s programs.
    pub fn run(&self, target: Target) -> bool {
        self.0.contains(&target.binary())
    }
}

/// The kind of a file that begins with `header`: its first [`SIZE`] bytes, or all of it if it is shorter.
///
/// A program is recognised by the magic and mask that binfmt_misc would be given for it.
pub fn kind(header: &[u8], natives: &Natives) -> Kind {
    if let Some(script) = Script::parse(header) {
        return Kind::Script(script);
    }
    let buffer = filled_up(header);
    match Target::all().find(|target| target.magic().matches(&buffer)) {
        Some(target) if natives.run(target) => Kind::Other,
        Some(target) => Kind::Foreign(target),
        None => match Elf::parse(&buffer) {
            Some(elf) if Target::all().all(|target| target.elf().machine != elf.machine) => {
                Kind::Unknown(elf.machine)
            }
            _ => Kind::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Target {
        name.parse().unwrap()
    }

    /// A header for `machine`, with 64 bits and the low byte first.
    fn elf(machine: u16) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
        bytes.extend(machine.to_le_bytes());
        bytes.resize(64, 0);
        bytes
    }

    #[test]
    fn files_by_their_first_bytes() {
        let natives = Natives::new([target("x86_64"), target("i386")]);
        let foreign = |name: &str| Kind::Foreign(target(name));
        for (bytes, expected) in [
            (elf(183), foreign("aarch64")),
            (elf(62), Kind::Other),
            (elf(0x1234), Kind::Unknown(0x1234)),
            (elf(183)[..20].to_vec(), foreign("aarch64")),
            (elf(183)[..18].to_vec(), Kind::Unknown(0)),
            // A relocatable file of a known machine is no program.
            ([&elf(183)[..16], &[1, 0], &elf(183)[18..]].concat(), Kind::Other),
            (b"hello\n".to_vec(), Kind::Other),
            (Vec::new(), Kind::Other),
        ] {
            assert_eq!(kind(&bytes, &natives), expected, "{bytes:?}");
        }
        let Kind::Script(script) = kind(b"#!/bin/sh -e\n", &natives) else { panic!("a script") };
        assert_eq!(script.interpreter, b"/bin/sh");
    }

    #[test]
    fn natives_are_those_that_a_qemu_would_serve_too() {
        let natives = Natives::new([target("i386")]);
        assert!(natives.run(target("i486")) && natives.run(target("i386")));
        assert!(!natives.run(target("x86_64")));
    }
}
