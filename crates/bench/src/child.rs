//! Running a program to its end, and what that took.
//!
//! Linux counts a child's peak memory from the memory of its parent at that moment, so a process that runs children to
//! measure them keeps little in memory itself.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use wait4::Wait4 as _;

/// The time and memory that one run took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Run {
    /// In seconds.
    pub(crate) wall: f64,
    /// User and system time, of its own children, too, in seconds.
    pub(crate) cpu: f64,
    /// User time alone.
    pub(crate) user: f64,
    /// The most memory that it had at a time, in bytes.
    pub(crate) peak: u64,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The share of `cores` that it had busy.
    pub(crate) fn busy(&self, cores: f64) -> f64 {
        self.cpu / (self.wall * cores)
    }

    /// This run and then `next`.
    pub(crate) fn then(self, next: &Run) -> Run {
        Run {
            wall: self.wall + next.wall,
            cpu: self.cpu + next.cpu,
            user: self.user + next.user,
            peak: self.peak.max(next.peak),
            stdout: self.stdout + &next.stdout,
            stderr: self.stderr + &next.stderr,
        }
    }
}

/// Runs `command` to its end. What fails says what it printed; `name` is how the command reads there.
pub(crate) fn run(command: &mut Command, name: &str) -> anyhow::Result<Run> {
    run_with(command, Stdio::null(), name)
}

/// The same for a program that reads.
pub(crate) fn run_with(command: &mut Command, stdin: Stdio, name: &str) -> anyhow::Result<Run> {
    let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(stdin).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let started = Instant::now();
    let child = command.spawn().with_context(|| format!("cannot run `{name}`"))?;
    let used = child.wait4().with_context(|| format!("cannot wait for `{name}`"))?;
    let wall = started.elapsed().as_secs_f64();
    let (stdout, stderr) = (text(stdout)?, text(stderr)?);
    if !used.status.success() {
        bail!("`{name}` failed ({}); it had printed:\n{}", used.status, (stdout + &stderr).trim_end());
    }
    let cpu = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    let user = used.rusage.utime.as_secs_f64();
    Ok(Run { wall, cpu, user, peak: used.rusage.maxrss, stdout, stderr })
}

fn text(mut file: File) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> anyhow::Result<Run> {
        run(Command::new("sh").args(["-c", script]), "sh")
    }

    #[test]
    fn time_memory_and_output_are_the_childs() {
        let run = shell("echo out; echo err >&2; sleep 0.2").unwrap();
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("out\n", "err\n"));
        assert!(run.wall >= 0.2 && run.cpu < 0.2, "{run:?}");
        assert!(run.peak > 100_000, "{run:?}");
    }

    #[test]
    fn what_fails_says_what_it_printed() {
        let error = shell("echo why >&2; exit 3").unwrap_err().to_string();
        assert_eq!(error, "`sh` failed (exit status: 3); it had printed:\nwhy");
    }

    #[test]
    fn one_run_after_another_is_a_sum() {
        let run = |wall, peak| Run { wall, peak, ..Run::default() };
        let both = run(1.0, 5).then(&run(2.0, 3));
        assert_eq!((both.wall, both.peak), (3.0, 5));
    }
}
