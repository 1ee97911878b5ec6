//! Trying a target's program: does it run without this program's help?

use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use arch::{Target, program};
use rustix::fs::MemfdFlags;

use crate::memory;

/// True if a program of `target` runs: by the machine itself, by its kernel, or by another supervisor.
pub fn runs(target: Target) -> bool {
    try_to_run(target).unwrap_or(false)
}

fn try_to_run(target: Target) -> io::Result<bool> {
    let Some(elf) = program::elf(target) else { return Ok(false) };
    // Interpreters open it in the child, so that it must go through an exec.
    let mut file = memory::program("qus-probe", MemfdFlags::empty())?;
    file.write_all(&elf)?;
    let mut command = Command::new(format!("/proc/self/fd/{}", file.as_raw_fd()));
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
