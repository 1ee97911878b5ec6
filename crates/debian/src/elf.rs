//! The check that a file is a static program for the right machine.
//!
//! Static means that the kernel alone can start it: no `PT_INTERP` (no dynamic loader) and no `DT_NEEDED` (no shared
//! library). A static-PIE is `ET_DYN` with a `PT_DYNAMIC` that needs nothing, so the type says nothing about it.

use arch::{Class, Elf, Endian};
use object::elf::{DT_NEEDED, ET_DYN, ET_EXEC, FileHeader32, FileHeader64, PT_INTERP};
use object::endian::Endianness;
use object::read::elf::{Dyn as _, FileHeader, ProgramHeader as _};

/// The reason why a file is not a static program for the wanted machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not an ELF file: a script, for example.
    #[error("is not an ELF file")]
    NotElf,
    /// Begins as ELF and is damaged or truncated.
    #[error("is a damaged ELF file: {0}")]
    Damaged(String),
    /// A relocatable object, shared library without an entry, or core file.
    #[error("is an ELF file but not a program (e_type {0})")]
    NotProgram(u16),
    /// For another machine.
    #[error("is for another machine: {} (wanted {})", describe(*actual), describe(*expected))]
    WrongMachine {
        /// The machine that was wanted.
        expected: Elf,
        /// The machine in the header.
        actual: Elf,
    },
    /// Has a `PT_INTERP`.
    #[error("is not static: it asks for the loader {0}")]
    Loader(String),
    /// Has a `DT_NEEDED`.
    #[error("is not static: it needs shared libraries")]
    Libraries,
}

fn describe(elf: Elf) -> String {
    let bits = match elf.class {
        Class::Bits32 => 32,
        Class::Bits64 => 64,
    };
    let endian = match elf.endian {
        Endian::Little => "little",
        Endian::Big => "big",
    };
    format!("{bits}-bit {endian}-endian e_machine {}", elf.machine)
}

/// Checks that `bytes`, a whole file, is a static program for `machine`.
pub fn check(bytes: &[u8], machine: Elf) -> Result<(), Error> {
    let actual = Elf::parse(bytes).ok_or(Error::NotElf)?;
    if actual != machine {
        return Err(Error::WrongMachine { expected: machine, actual });
    }
    match machine.class {
        Class::Bits32 => check_class::<FileHeader32<Endianness>>(bytes),
        Class::Bits64 => check_class::<FileHeader64<Endianness>>(bytes),
    }
}

fn check_class<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<(), Error> {
    let damaged = |error: object::read::Error| Error::Damaged(error.to_string());
    let header = H::parse(bytes).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    let kind = header.e_type(endian);
    if kind != ET_EXEC && kind != ET_DYN {
        return Err(Error::NotProgram(kind.0));
    }
    let segments = header.program_headers(endian, bytes).map_err(damaged)?;
    if segments.is_empty() {
        return Err(Error::Damaged("no program headers".to_owned()));
    }
    for segment in segments {
        if segment.p_type(endian) == PT_INTERP {
            let path = segment.data(endian, bytes).unwrap_or_default();
            let path = String::from_utf8_lossy(path.split(|b| *b == 0).next().unwrap_or_default());
            return Err(Error::Loader(path.chars().take(80).collect()));
        }
        // `dynamic` is `None` for segments of other types.
        if let Some(entries) = segment.dynamic(endian, bytes).map_err(damaged)?
            && entries.iter().any(|entry| entry.tag(endian) == DT_NEEDED)
        {
            return Err(Error::Libraries);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing;

    fn check(bytes: &[u8], expected: Result<(), &str>) {
        let machine = "amd64".parse::<arch::Host>().unwrap().elf();
        let actual = super::check(bytes, machine).map_err(|error| error.to_string());
        assert_eq!(actual, expected.map_err(str::to_owned));
    }

    #[test]
    fn only_static_programs_for_the_machine_pass() {
        let machine = "amd64".parse::<arch::Host>().unwrap().elf();
        let good = testing::elf(machine, b"hello");
        check(&good, Ok(()));
        check(b"#!/bin/sh\n", Err("is not an ELF file"));
        check(&good[..40], Err("is a damaged ELF file: Invalid ELF header size or alignment"));
        check(&good[..64], Err("is a damaged ELF file: Invalid ELF program header size or alignment"));
        let other = testing::elf("s390x".parse::<arch::Host>().unwrap().elf(), b"hello");
        check(
            &other,
            Err(
                "is for another machine: 64-bit big-endian e_machine 22 (wanted 64-bit little-endian e_machine 62)",
            ),
        );
        let dynamic = testing::dynamic_elf(machine, b"hello");
        check(&dynamic, Err("is not static: it asks for the loader /lib/ld.so"));
        let mut object = good;
        object[16] = 1;
        check(&object, Err("is an ELF file but not a program (e_type 1)"));
    }

    #[test]
    fn a_header_that_promises_gigabytes_costs_nothing() {
        let machine = "amd64".parse::<arch::Host>().unwrap().elf();
        let good = testing::elf(machine, b"hello");
        // e_phentsize, e_phnum, e_shentsize and e_shnum (gABI, figure 4-3): as large as they can be, together and alone.
        for places in [&[54, 56, 58, 60][..], &[54], &[56], &[54, 56]] {
            let mut bytes = good.clone();
            for place in places {
                bytes[*place..place + 2].fill(0xff);
            }
            let error = super::check(&bytes, machine).unwrap_err().to_string();
            assert!(error.starts_with("is a damaged ELF file: "), "{places:?}: {error}");
        }
        // A segment that claims to be larger than the file.
        let mut bytes = testing::dynamic_elf(machine, b"hello");
        bytes[64 + 56 + 8..64 + 56 + 16].fill(0xff);
        check(&bytes, Err("is not static: it asks for the loader "));
    }

    #[test]
    fn every_host_has_a_fake_that_passes() {
        for host in arch::Host::all() {
            assert_eq!(super::check(&testing::elf(host.elf(), b"x"), host.elf()), Ok(()), "{host}");
        }
    }
}
