//! The inspection of a file that is to be an interpreter.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use arch::{Class, Elf, Endian, Target};
use rustix::fs::OFlags;

use crate::machine::{Kinship, Machine};
pub use crate::version::{Finder, Version};

/// The facts about an interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The QEMU that it is, if it is one.
    pub version: Option<Version>,
    /// True if it needs a dynamic loader, which a container would have to hold.
    pub dynamic: bool,
}

/// The reason why a file cannot be an interpreter here.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is no such file.
    #[error("there is no {}", .0.display())]
    Missing(PathBuf),
    /// A directory, a device.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// No execute permission for anybody.
    #[error("{} is not executable", .0.display())]
    NotExecutable(PathBuf),
    /// Not a program, or a damaged one.
    #[error("{} is not an ELF program", .0.display())]
    NotElf(PathBuf),
    /// For another machine.
    #[error("{} is a program for {of}, which this machine ({machine}) cannot run", .path.display())]
    WrongMachine {
        /// The file.
        path: PathBuf,
        /// Its purpose.
        of: String,
        /// The machine.
        machine: String,
    },
    /// Cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

/// Looks at the file at `path`, which is to run `target`'s programs on `machine`; `versions` finds its version.
///
/// # Errors
/// [`Problem`], if it cannot.
pub fn inspect(
    path: &Path,
    target: Target,
    machine: &Machine,
    versions: &mut Finder,
) -> Result<Facts, Problem> {
    let io = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Problem::Missing(path.to_owned()),
        _ => Problem::Io { path: path.to_owned(), source },
    };
    let metadata = path.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(Problem::NotAFile(path.to_owned()));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(Problem::NotExecutable(path.to_owned()));
    }
    let file = File::open(path).map_err(io)?;
    let mut header = [0; 64];
    let read = file.read_at(&mut header, 0).map_err(io)?;
    let elf = Elf::parse(&header[..read]).filter(|_| read == header.len());
    let elf = elf.ok_or_else(|| Problem::NotElf(path.to_owned()))?;
    let of = Target::all().find(|target| target.magic().matches(&header));
    // A machine whose name is unknown gets no opinion on which programs it can run.
    let known = !machine.natives().is_empty();
    if known && of.is_none_or(|of| machine.kinship(of) == Kinship::Foreign) {
        let of = of.map_or_else(|| format!("machine {}", elf.machine), |of| of.to_string());
        return Err(Problem::WrongMachine { path: path.to_owned(), of, machine: machine.name().to_owned() });
    }
    let tables = Tables { header: &header, elf };
    let dynamic = tables.has_loader(&file).map_err(io)?;
    let version = versions.find(&file, tables.read_only_data(&file), target).map_err(io)?;
    Ok(Facts { version, dynamic })
}

/// The version of the QEMU in an open file.
pub fn version_in(file: &File, target: Target) -> Option<Version> {
    find_version(file, target, &mut Finder::default())
}

/// The version of the QEMU at `path`, which need not be a QEMU, nor a file.
pub fn version_of(path: &Path, target: Target, versions: &mut Finder) -> Option<Version> {
    find_version(&open_regular(path)?, target, versions)
}

fn find_version(file: &File, target: Target, versions: &mut Finder) -> Option<Version> {
    let mut header = [0; 64];
    file.read_exact_at(&mut header, 0).ok()?;
    let elf = Elf::parse(&header)?;
    versions.find(file, Tables { header: &header, elf }.read_only_data(file), target).ok()?
}

/// The file at `path`, if it is a regular one that can be read. Never waits: opening a FIFO would, for somebody to write to it.
pub(crate) fn open_regular(path: &Path) -> Option<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).ok()?;
    let file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    file.metadata().ok()?.is_file().then_some(file)
}

/// The two tables of an ELF file (System V gABI, chapters "Sections" and "Program Header").
struct Tables<'a> {
    header: &'a [u8; 64],
    elf: Elf,
}

impl Tables<'_> {
    /// The number at the offset for this word size; as wide as the field is there.
    fn number(&self, bytes: &[u8], offset: usize, width: usize) -> Option<u64> {
        let bytes = bytes.get(offset..)?.get(..width)?;
        let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match self.elf.endian {
            Endian::Big => bytes.iter().fold(0, fold),
            Endian::Little => bytes.iter().rev().fold(0, fold),
        })
    }

    fn word(&self, bytes: &[u8], at_32: usize, at_64: usize) -> Option<u64> {
        match self.elf.class {
            Class::Bits32 => self.number(bytes, at_32, 4),
            Class::Bits64 => self.number(bytes, at_64, 8),
        }
    }

    fn half(&self, at_32: usize, at_64: usize) -> Option<usize> {
        let at = if self.elf.class == Class::Bits32 { at_32 } else { at_64 };
        usize::try_from(self.number(self.header, at, 2)?).ok()
    }

    /// The bytes of a table: its offset, the size of a row and the number of rows.
    fn rows(
        &self,
        file: &File,
        offset: Option<u64>,
        size: Option<usize>,
        count: Option<usize>,
    ) -> Option<Vec<u8>> {
        let mut rows = vec![0; size? * count?];
        file.read_exact_at(&mut rows, offset?).ok()?;
        Some(rows)
    }

    /// True if there is a `PT_INTERP`.
    fn has_loader(&self, file: &File) -> io::Result<bool> {
        let size = self.half(42, 54);
        let rows = self.rows(file, self.word(self.header, 28, 32), size, self.half(44, 56));
        let rows = rows.ok_or(io::ErrorKind::InvalidData)?;
        let mut rows = rows.chunks(size.unwrap_or(1).max(1));
        Ok(rows.any(|row| self.number(row, 0, 4) == Some(3)))
    }

    /// The place of `.rodata`: offset and size. Recognised by what it is (`SHT_PROGBITS`, allocated, neither written nor
    /// executed), the largest such section being it.
    fn read_only_data(&self, file: &File) -> Option<(u64, u64)> {
        let size = self.half(46, 58)?;
        let rows = self.rows(file, self.word(self.header, 32, 40), Some(size), self.half(48, 60))?;
        let sections = rows.chunks(size.max(1)).filter_map(|row| {
            let wanted = self.number(row, 4, 4)? == 1 && self.word(row, 8, 8)? & 0b111 == 0b010;
            wanted.then_some((self.word(row, 16, 24)?, self.word(row, 20, 32)?))
        });
        sections.max_by_key(|(_, size)| *size)
    }
}

#[cfg(test)]
#[path = "interpreter_tests.rs"]
mod tests;
