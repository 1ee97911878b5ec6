//! The inspection of a file that is to be an interpreter.

use std::fs::File;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use arch::Target;
use qemu::Tables;
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
    let tables = Tables::read(&file).map_err(io)?.ok_or_else(|| Problem::NotElf(path.to_owned()))?;
    let of = Target::all().find(|target| target.magic().matches(tables.header()));
    // A machine whose name is unknown gets no opinion on which programs it can run.
    let known = !machine.natives().is_empty();
    if known && of.is_none_or(|of| machine.kinship(of) == Kinship::Foreign) {
        let of = of.map_or_else(|| format!("machine {}", tables.elf().machine), |of| of.to_string());
        return Err(Problem::WrongMachine { path: path.to_owned(), of, machine: machine.name().to_owned() });
    }
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
    let tables = Tables::read(file).ok()??;
    versions.find(file, tables.read_only_data(file), target).ok()?
}

/// The file at `path`, if it is a regular one that can be read. Never waits: opening a FIFO would, for somebody to write to it.
pub(crate) fn open_regular(path: &Path) -> Option<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).ok()?;
    let file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    file.metadata().ok()?.is_file().then_some(file)
}

#[cfg(test)]
#[path = "interpreter_tests.rs"]
mod tests;
