//! The places where data and messages go. Each is one line, and nothing in it reaches a terminal as a control character.

use std::fmt::Display;
use std::io::{self, Write};

use crate::escape;

/// Data goes to one writer, messages to the other; whether anything went wrong is kept for the exit code.
pub struct Output<'a> {
    data: &'a mut dyn Write,
    messages: &'a mut dyn Write,
    failed: bool,
    closed: bool,
    for_machines: bool,
}

impl<'a> Output<'a> {
    /// Usually standard output and standard error.
    pub fn new(data: &'a mut dyn Write, messages: &'a mut dyn Write) -> Output<'a> {
        Output { data, messages, failed: false, closed: false, for_machines: false }
    }

    /// Leaves the data to [`Output::text`]: lines go to where messages go, so that a machine can read the rest.
    pub fn keep_lines_out(&mut self) {
        self.for_machines = true;
    }

    /// One line of data.
    pub fn line(&mut self, line: impl Display) {
        if self.for_machines {
            return self.verbatim(line);
        }
        self.text(format_args!("{}\n", escape::text(&line.to_string())));
    }

    /// Data as it is: lines of this program's own.
    pub fn text(&mut self, text: impl Display) {
        if self.closed {
            return;
        }
        if let Err(error) = write!(self.data, "{text}") {
            self.broken(&error);
        }
    }

    /// Something that went well but should be known.
    pub fn note(&mut self, message: impl Display) {
        self.message("note", &message);
    }

    /// Something that may not be wanted.
    pub fn warning(&mut self, message: impl Display) {
        self.message("warning", &message);
    }

    /// Something that was asked for and does not hold.
    pub fn error(&mut self, message: impl Display) {
        self.failed = true;
        self.message("error", &message);
    }

    /// Prints what to do about the message before.
    pub fn hint(&mut self, message: impl Display) {
        self.message("hint", &message);
    }

    /// A message whose wording others rely on: without a word before it.
    pub fn verbatim(&mut self, message: impl Display) {
        self.flush();
        // There is no place left to report to.
        let _ = writeln!(self.messages, "{}", escape::text(&message.to_string()));
    }

    /// The same, of something that was asked for and does not hold.
    pub fn verbatim_error(&mut self, message: impl Display) {
        self.failed = true;
        self.verbatim(message);
    }

    /// True if everything that was asked for holds, and was reported.
    pub fn succeeded(&mut self) -> bool {
        self.flush();
        !self.failed
    }

    fn message(&mut self, kind: &str, message: &dyn Display) {
        // So that both read in order where they go to the same place.
        self.flush();
        let _ = writeln!(self.messages, "{kind}: {}", escape::text(&message.to_string()));
    }

    fn flush(&mut self) {
        if !self.closed
            && let Err(error) = self.data.flush()
        {
            self.broken(&error);
        }
    }

    /// A reader that has seen enough (`| head`) is no failure; a full disk is.
    fn broken(&mut self, error: &io::Error) {
        self.closed = true;
        if error.kind() != io::ErrorKind::BrokenPipe {
            self.error(format_args!("cannot write the output: {error}"));
        }
    }
}
