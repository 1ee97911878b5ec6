//! Running a command to its end, but not for ever.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use base::lock;

use crate::Error;
use crate::console::Console;

const POLL: Duration = Duration::from_millis(10);

/// Runs `command` and collects what it prints; kills it after `limit`. The exit status is the caller's to judge.
///
/// `name` is how the command reads in errors.
pub(crate) fn collect(command: &mut Command, name: &str, limit: Duration) -> Result<Output, Error> {
    let spawn = |cause| Error::Spawn { command: name.to_owned(), cause };
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(spawn)?;
    // Both pipes are read all the time, so that the child never waits for a reader.
    let stdout = Reader::start(child.stdout.take());
    let stderr = Reader::start(child.stderr.take());
    let end = Instant::now() + limit;
    let Some(status) = wait(&mut child, limit).map_err(spawn)? else {
        // The process may have ended in between: nothing to kill then.
        let _ = child.kill();
        let _ = child.wait();
        return Err(Error::Slow {
            command: name.to_owned(),
            limit,
            printed: text(&stdout.take(Instant::now()), &stderr.take(Instant::now())),
        });
    };
    // Usually at once; but something that the program left running may keep its pipes open.
    Ok(Output { status, stdout: stdout.take(end), stderr: stderr.take(end) })
}

/// Runs `command` and gives `take` each line that it prints, of both streams, as it comes; kills it after `limit`. Its end is
/// that of everything which has its streams.
///
/// `name` is how the command reads in errors.
pub(crate) fn stream(
    command: Command,
    name: &str,
    limit: Duration,
    take: &mut dyn FnMut(&str),
) -> Result<ExitStatus, Error> {
    let spawn = |cause| Error::Spawn { command: name.to_owned(), cause };
    let end = Instant::now() + limit;
    let left = || end.saturating_duration_since(Instant::now());
    let (mut child, mut console) = Console::spawn(command).map_err(spawn)?;
    let ended = loop {
        match console.line(left()) {
            Ok(Some(line)) => take(&line),
            Ok(None) => break wait(&mut child, left()).map_err(spawn)?,
            Err(_) => break None,
        }
    };
    ended.ok_or_else(|| {
        // The process may have ended in between: nothing to kill then.
        let _ = child.kill();
        let _ = child.wait();
        Error::Slow { command: name.to_owned(), limit, printed: console.tail() }
    })
}

/// The stdout of a command that has ended with 0; another end is an error. `name` is how the command reads in it.
pub(crate) fn stdout(output: &Output, name: impl FnOnce() -> String) -> Result<String, Error> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let printed = text(&output.stdout, &output.stderr);
    Err(Error::Failed { command: name(), status: output.status, printed })
}

/// Waits at most `limit`; `None` if `child` still runs.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        let status = child.try_wait()?;
        if status.is_some() || Instant::now() >= end {
            return Ok(status);
        }
        thread::sleep(POLL);
    }
}

/// Asks `ready` again and again until it says yes, fails, or `limit` is over.
pub(crate) fn poll(limit: Duration, mut ready: impl FnMut() -> Result<bool, Error>) -> Result<bool, Error> {
    let end = Instant::now() + limit;
    loop {
        if ready()? {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        thread::sleep(POLL);
    }
}

/// A thread that empties a pipe.
struct Reader {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl Reader {
    fn start(pipe: Option<impl Read + Send + 'static>) -> Reader {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&bytes);
        let thread = thread::spawn(move || {
            let Some(mut pipe) = pipe else { return };
            let mut buffer = [0; 8192];
            // An error is an end, too: what was read before it is kept.
            while let Ok(n @ 1..) = pipe.read(&mut buffer) {
                lock(&shared).extend_from_slice(&buffer[..n]);
            }
        });
        Reader { bytes, thread }
    }

    /// The bytes that were read up to the end of the pipe, or until `end`.
    fn take(self, end: Instant) -> Vec<u8> {
        // A moment at least, for what is already in the pipe.
        let end = end.max(Instant::now() + 5 * POLL);
        while !self.thread.is_finished() && Instant::now() < end {
            thread::sleep(POLL / 10);
        }
        std::mem::take(&mut *lock(&self.bytes))
    }
}

/// Both streams as one text, for messages.
pub(crate) fn text(stdout: &[u8], stderr: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(stderr));
    text.trim_end().to_owned()
}

/// The last `count` lines.
pub(crate) fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_and_the_status_come_back() {
        let output =
            collect(&mut shell("echo out; echo err >&2; exit 3"), "sh", Duration::from_secs(10)).unwrap();
        assert_eq!(
            (output.status.code(), &*output.stdout, &*output.stderr),
            (Some(3), &b"out\n"[..], &b"err\n"[..])
        );
    }

    #[test]
    fn more_than_a_pipe_holds_is_no_deadlock() {
        let script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2";
        let output = collect(&mut shell(script), "sh", Duration::from_secs(10)).unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 300_000));
    }

    #[test]
    fn what_takes_too_long_is_killed() {
        let start = Instant::now();
        let error =
            collect(&mut shell("echo begun; exec sleep 60"), "sleep 60", Duration::from_secs(1)).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(10));
        assert_eq!(error.to_string(), "`sleep 60` did not end within 1 s; it had printed:\nbegun");
    }

    #[test]
    fn lines_come_while_the_program_runs() {
        let dir = tempfile::tempdir().unwrap();
        let seen = dir.path().join("seen");
        let script =
            format!("echo out; until [ -e {} ]; do sleep 0.01; done; echo err >&2; exit 3", seen.display());
        let mut lines = Vec::new();
        let mut take = |line: &str| {
            lines.push(line.to_owned());
            std::fs::write(&seen, "").unwrap();
        };
        let status = stream(shell(&script), "sh", Duration::from_secs(600), &mut take).unwrap();
        assert_eq!((status.code(), lines), (Some(3), vec!["out".to_owned(), "err".to_owned()]));
    }

    #[test]
    fn what_streams_for_too_long_is_killed() {
        let error =
            stream(shell("echo begun; exec sleep 60"), "sleep 60", Duration::from_secs(1), &mut |_| {})
                .unwrap_err();
        assert_eq!(error.to_string(), "`sleep 60` did not end within 1 s; it had printed:\nbegun");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = collect(&mut Command::new("/nowhere/x"), "x", Duration::from_secs(1)).unwrap_err();
        assert_eq!(error.to_string(), "cannot run `x`: No such file or directory (os error 2)");
    }

    #[test]
    fn tails_are_short() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 2), "a");
    }
}
