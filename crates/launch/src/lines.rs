//! The output of a running program, line by line, with a chance to say something while it prints nothing.

use std::io::{self, BufRead as _, BufReader, Read};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// The longest time in which people see nothing is five seconds.
pub const SILENCE: Duration = Duration::from_secs(4);

/// Gives `each` every line of `child`'s stdout, a pipe, with its end; and calls `silent`, with the time since the start, when
/// none came for as long as `silence`. Returns when `child` has ended, even if something that it started still holds the pipe.
pub fn follow(
    child: &mut Child,
    silence: Duration,
    mut each: impl FnMut(&[u8]),
    mut silent: impl FnMut(Duration),
) -> io::Result<ExitStatus> {
    let started = Instant::now();
    let Some(stdout) = child.stdout.take() else { return child.wait() };
    let lines = lines(stdout);
    loop {
        match lines.recv_timeout(silence) {
            Ok(line) => each(&line),
            Err(RecvTimeoutError::Disconnected) => return child.wait(),
            Err(RecvTimeoutError::Timeout) => match child.try_wait()? {
                Some(status) => return Ok(status),
                None => silent(started.elapsed()),
            },
        }
    }
}

fn lines(stdout: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        loop {
            let mut line = Vec::new();
            let read = stdout.read_until(b'\n', &mut line);
            if !matches!(read, Ok(1..)) || sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn lines_come_as_they_are_and_silence_is_noticed() {
        // What it leaves running holds the pipe for longer than the test would wait.
        let script = "echo one; sleep 2; printf two; sleep 60 & echo $! >&2; exit 3";
        let mut command = Command::new("sh");
        let mut child =
            command.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut lines, mut silent) = (Vec::new(), Vec::new());
        let each = |line: &[u8]| lines.push(String::from_utf8_lossy(line).into_owned());
        let silence = Duration::from_millis(500);
        let status = follow(&mut child, silence, each, |elapsed| silent.push(elapsed)).unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(lines, ["one\n"], "the rest of a line is not over before its end");
        assert!(silent.len() >= 2 && silent.iter().all(|elapsed| *elapsed >= silence), "{silent:?}");
        let mut left = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut left).unwrap();
        assert!(Command::new("sh").args(["-c", "kill $0", left.trim()]).status().unwrap().success());
    }
}
