//! The output of a program, a machine's console say, read as it comes.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// The number of lines that errors show.
const TAIL: usize = 20;

/// A console, and its last lines.
#[derive(Debug)]
pub(crate) struct Console {
    lines: Receiver<String>,
    last: VecDeque<String>,
}

/// No line came in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overdue;

impl Console {
    /// Starts `command` with nothing on its stdin, and reads both of its streams as one.
    pub(crate) fn spawn(mut command: Command) -> io::Result<(Child, Console)> {
        let (reader, writer) = io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn()?;
        // It holds the ends of the pipe that are written to, and would keep it open.
        drop(command);
        Ok((child, Console::of(reader)))
    }

    /// Reads `reader` to its end in a thread.
    pub(crate) fn of(reader: impl Read + Send + 'static) -> Console {
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut reader = BufReader::new(reader);
            let mut line = Vec::new();
            while let Ok(1..) = reader.read_until(b'\n', &mut line) {
                // Firmware prints what is no text.
                let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
                line.clear();
                if sender.send(text).is_err() {
                    return;
                }
            }
        });
        Console { lines, last: VecDeque::new() }
    }

    /// The next line, if it comes within `limit`; `None` after the last.
    pub(crate) fn line(&mut self, limit: Duration) -> Result<Option<String>, Overdue> {
        let line = match self.lines.recv_timeout(limit) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => return Err(Overdue),
        };
        if self.last.len() == TAIL {
            self.last.pop_front();
        }
        self.last.push_back(line.clone());
        Ok(Some(line))
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> String {
        self.last.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Bounds a test that hangs, and nothing else.
    const LIMIT: Duration = Duration::from_secs(600);

    #[test]
    fn lines_come_as_text_and_the_last_are_kept() {
        let text =
            b"a\r\n\xff b\n\n".iter().copied().chain((0..30).flat_map(|n| format!("{n}\n").into_bytes()));
        let mut console = Console::of(io::Cursor::new(text.chain(*b"end").collect::<Vec<u8>>()));
        let mut line = || console.line(LIMIT).unwrap();
        assert_eq!([line(), line(), line()], ["a", "\u{fffd} b", ""].map(|line| Some(line.to_owned())));
        while line().is_some() {}
        let expected = (11..30).map(|n| format!("{n}\n")).collect::<String>() + "end";
        assert_eq!(console.tail(), expected);
    }

    #[test]
    fn no_line_in_time_is_not_the_end() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut console = Console::of(reader);
        assert_eq!(console.line(Duration::ZERO), Err(Overdue));
        writer.write_all(b"a\n").unwrap();
        assert_eq!(console.line(LIMIT), Ok(Some("a".to_owned())));
        drop(writer);
        assert_eq!(console.line(LIMIT), Ok(None));
    }
}
