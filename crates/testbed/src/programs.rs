//! Files that can be executed as soon as they are written.
//!
//! While one thread writes a file, another may start a process, which has the file open for writing until it has become its
//! program. As long as anybody has, the kernel refuses to execute it (execve(2), `ETXTBSY`). So programs are written by a
//! thread whose descriptors no process inherits that other threads start: it has a table of its own (unshare(2), `CLONE_FILES`).
//!
//! # Safety
//! Descriptors that are opened apart are closed there: what comes back holds none.

#![allow(unsafe_code)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::{fs, io, panic, thread};

use rustix::thread::UnshareFlags;

/// Writes a program, which everybody may execute.
///
/// # Errors
/// If the file cannot be written.
pub fn write_program(path: &Path, bytes: &[u8]) -> io::Result<()> {
    apart(|| {
        fs::write(path, bytes)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
    })
}

/// Copies a program, with its mode.
///
/// # Errors
/// If one of the files cannot be opened, read or written.
pub fn copy_program(from: &Path, to: &Path) -> io::Result<()> {
    apart(|| fs::copy(from, to).map(drop))
}

/// Does what writes programs, which closes what it opens.
pub(crate) fn apart<E: From<io::Error> + Send>(work: impl FnOnce() -> Result<(), E> + Send) -> Result<(), E> {
    let alone = || {
        // SAFETY: see the module.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::FILES) }.map_err(io::Error::from)?;
        work()
    };
    thread::scope(|scope| scope.spawn(alone).join()).unwrap_or_else(|payload| panic::resume_unwind(payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_run_whatever_else_is_started_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let starts =
            || (0..300).for_each(|_| assert!(std::process::Command::new("true").status().unwrap().success()));
        let writes = |name: &str| {
            for number in 0..300 {
                let path = dir.path().join(format!("{name}{number}"));
                write_program(&path, b"#!/bin/sh\nexit 7\n").unwrap();
                assert_eq!(std::process::Command::new(&path).status().unwrap().code(), Some(7));
            }
        };
        thread::scope(|scope| {
            scope.spawn(starts);
            scope.spawn(|| writes("a"));
            writes("b");
        });
    }
}
