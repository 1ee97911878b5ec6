//! Trying a target's program: does it run without this program's help, and does a QEMU run it as this CPU?

use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use arch::{Target, program};
use rustix::fs::MemfdFlags;
use rustix::io::FdFlags;
use watch::Program;

use crate::memory;

/// True if a program of `target` runs: by the machine itself, by its kernel, or by another supervisor.
pub fn runs(target: Target) -> bool {
    let run = || tiny(target)?.map(|(_file, path)| ends_well(&mut Command::new(path))).transpose();
    run().is_ok_and(|ended| ended == Some(true))
}

/// True if the QEMU runs `target`'s programs as the CPU `model`.
pub(crate) fn takes(qemu: &Program, target: Target, model: &str) -> bool {
    let run = || {
        let program = rustix::io::fcntl_dupfd_cloexec(&qemu.file, BEHIND_STDIO)?;
        let mut command = Command::new(path(&program));
        let run = |(_file, path)| ends_well(command.args(["-cpu", model]).arg(path));
        tiny(target)?.map(run).transpose()
    };
    run().is_ok_and(|ended| ended == Some(true))
}

/// The names of the CPU models that the QEMU lists.
pub(crate) fn models(qemu: &Program) -> Vec<String> {
    let output =
        Command::new(path(&qemu.file)).args(["-cpu", "help"]).env_clear().stdin(Stdio::piped()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    qemu::models(&text)
}

/// The least number of a descriptor that a child's own input and output do not take the place of: a supervisor has closed its own.
const BEHIND_STDIO: i32 = 3;

/// A small program of `target`, and its path in a child. Interpreters open it there, so that it must go through an exec.
fn tiny(target: Target) -> io::Result<Option<(OwnedFd, PathBuf)>> {
    let Some(elf) = program::elf(target) else { return Ok(None) };
    let mut file = memory::program("qus-probe", MemfdFlags::CLOEXEC)?;
    file.write_all(&elf)?;
    let file = rustix::io::fcntl_dupfd_cloexec(file, BEHIND_STDIO)?;
    rustix::io::fcntl_setfd(&file, FdFlags::empty())?;
    let path = path(&file);
    Ok(Some((file, path)))
}

fn path(file: &impl AsRawFd) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

fn ends_well(command: &mut Command) -> io::Result<bool> {
    // Pipes stand in for /dev/null, which need not be there; the program ends when it finds the first one closed.
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    drop((child.stdin.take(), child.stdout.take(), child.stderr.take()));
    Ok(child.wait()?.code() == Some(program::EXIT_CODE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_runs_its_own_programs() {
        assert!(runs(arch::Host::native().unwrap().target()));
    }
}
