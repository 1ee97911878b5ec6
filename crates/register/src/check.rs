//! Runs a target's program through the kernel.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use arch::Target;
use rustix::fs::MemfdFlags;
use rustix::io::Errno;

use crate::program;

/// Longer than any QEMU takes to start on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of running a target's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ran, and ended as it should.
    Runs,
    /// It did not run, and why.
    Fails(String),
    /// It could not be tried, which says nothing about the target.
    Untried(String),
}

/// A target's program, waiting for its input.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

/// Starts `target`'s program. The kernel finds out what runs it, as for any other program.
///
/// # Errors
/// An [`Outcome`] that is not [`Outcome::Runs`].
pub fn start(target: Target) -> Result<Running, Outcome> {
    let Some(program) = program::elf(target) else {
        return Err(Outcome::Untried("there is no program for it".to_owned()));
    };
    match in_memory(&program).and_then(|file| spawn(&format!("/proc/self/fd/{}", file.as_raw_fd()))) {
        Ok(child) => return Ok(Running { child }),
        // The program was found and nothing could run it: that is an answer.
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NOEXEC) => {
            return Err(failed_to_start(&error));
        }
        // No memory files, not to be executed, or /proc not mounted: try a file.
        Err(_) => {}
    }
    match on_disk(&program) {
        Ok(file) => spawn(&file.0.to_string_lossy())
            .map(|child| Running { child })
            .map_err(|error| failed_to_start(&error)),
        Err(error) => Err(Outcome::Untried(format!("there is no place for a program: {error}"))),
    }
}

/// Starts `target`'s program and lets it end.
pub fn run(target: Target) -> Outcome {
    match start(target) {
        Ok(running) => running.finish(),
        Err(outcome) => outcome,
    }
}

impl Running {
    /// The file that the kernel started: the interpreter, even if it is no longer to be found under its path.
    pub fn interpreter(&self) -> io::Result<File> {
        File::open(format!("/proc/{}/exe", self.child.id()))
    }

    /// Lets the program end, and judges it.
    pub fn finish(mut self) -> Outcome {
        drop(self.child.stdin.take());
        match self.wait(PATIENCE) {
            Ok(Some(status)) if status.code() == Some(program::EXIT_CODE) => Outcome::Runs,
            Ok(Some(status)) => Outcome::Fails(self.said(status)),
            Ok(None) => Outcome::Fails(format!("it did not end within {} seconds", PATIENCE.as_secs())),
            Err(error) => Outcome::Fails(format!("cannot wait for it: {error}")),
        }
    }

    fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let started = Instant::now();
        let mut pause = Duration::from_micros(500);
        while started.elapsed() < patience {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            std::thread::sleep(pause);
            pause = (pause * 3 / 2).min(Duration::from_millis(50));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(None)
    }

    /// What the interpreter had to say, or else how it ended.
    fn said(&mut self, status: ExitStatus) -> String {
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("it exited with {code} instead of {}", program::EXIT_CODE),
            (None, Some(signal)) => format!("it was killed by signal {signal}"),
            (None, None) => status.to_string(),
        };
        let mut words = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            // Reading may fail; then there are no words.
            let _ = stderr.take(500).read_to_end(&mut words);
        }
        match String::from_utf8_lossy(&words).lines().next() {
            Some(line) if !line.trim().is_empty() => format!("{how}: {}", line.trim()),
            _ => how,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not finished: it is still waiting for its input. A child that has ended takes no harm.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn spawn(path: &str) -> io::Result<Child> {
    let mut command = Command::new(path);
    // Variables such as QEMU_STRACE would change what is tried.
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    for _ in 0..50 {
        match command.spawn() {
            // A process that another thread is starting just now still has the file open for writing.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::TXTBSY) => {
                std::thread::sleep(Duration::from_millis(1));
            }
            result => return result,
        }
    }
    command.spawn()
}

fn failed_to_start(error: &io::Error) -> Outcome {
    Outcome::Fails(match Errno::from_io_error(error) {
        Some(Errno::NOEXEC) => "nothing is registered that runs it".to_owned(),
        Some(Errno::NOENT) => "its interpreter is not to be found here".to_owned(),
        Some(Errno::LOOP) => "its interpreter would need an interpreter itself".to_owned(),
        _ => format!("it cannot be started: {error}"),
    })
}

/// A file that is nowhere. Inherited by children, so that an interpreter can open it as `/proc/self/fd/N`.
fn in_memory(program: &[u8]) -> io::Result<File> {
    let name = c"qus-check";
    // Kernels before 6.3 do not know EXEC, and need not.
    let fd = match rustix::fs::memfd_create(name, MemfdFlags::EXEC) {
        Err(Errno::INVAL) => rustix::fs::memfd_create(name, MemfdFlags::empty()),
        other => other,
    }?;
    let mut file = File::from(fd);
    file.write_all(program)?;
    file.set_permissions(PermissionsExt::from_mode(0o755))?;
    Ok(file)
}

/// A file that goes away with this value.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn on_disk(program: &[u8]) -> io::Result<Temporary> {
    let name = format!("qus-check-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    write_new(&path, program)?;
    Ok(Temporary(path))
}

fn write_new(path: &Path, program: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o755).open(path)?;
    file.write_all(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    /// A target whose programs need no entry.
    fn native() -> Target {
        Machine::here().natives()[0]
    }

    #[test]
    fn a_program_waits_to_be_looked_at_and_then_ends_as_it_should() {
        let running = start(native()).unwrap();
        let mut started = Vec::new();
        running.interpreter().unwrap().read_to_end(&mut started).unwrap();
        assert_eq!(
            Some(started),
            program::elf(native()),
            "without an interpreter, the program itself was started"
        );
        assert_eq!(running.finish(), Outcome::Runs);
        assert_eq!(run(native()), Outcome::Runs);
    }

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let mut running = start(native()).unwrap();
        assert_eq!(running.wait(Duration::from_millis(20)).unwrap(), None);
        assert_eq!(running.child.try_wait().unwrap().and_then(|status| status.signal()), Some(9));
    }

    #[test]
    fn a_file_does_where_memory_does_not_and_goes_away() {
        let file = on_disk(&program::elf(native()).unwrap()).unwrap();
        let path = file.0.clone();
        let child = spawn(path.to_str().unwrap()).unwrap();
        drop(file);
        assert!(!path.exists());
        assert_eq!(Running { child }.finish(), Outcome::Runs);
    }

    #[test]
    fn what_a_program_did_instead_is_told() {
        let shell = |script: &str| {
            let child =
                Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
            Running { child: child.unwrap() }.finish()
        };
        for (script, expected) in [
            ("exit 42", Outcome::Runs),
            ("exit 1", Outcome::Fails("it exited with 1 instead of 42".to_owned())),
            ("kill -SEGV $$", Outcome::Fails("it was killed by signal 11".to_owned())),
            (
                "echo no >&2; echo way >&2; exit 7",
                Outcome::Fails("it exited with 7 instead of 42: no".to_owned()),
            ),
        ] {
            assert_eq!(shell(script), expected, "{script}");
        }
    }

    #[test]
    fn why_nothing_started_is_told() {
        for (errno, expected) in [
            (Errno::NOEXEC, "nothing is registered that runs it"),
            (Errno::NOENT, "its interpreter is not to be found here"),
            (Errno::LOOP, "its interpreter would need an interpreter itself"),
            (Errno::ACCESS, "it cannot be started: Permission denied (os error 13)"),
        ] {
            assert_eq!(failed_to_start(&errno.into()), Outcome::Fails(expected.to_owned()));
        }
    }
}
