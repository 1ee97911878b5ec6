//! Something that was asked for and does not hold, with what to do about it.

use std::fmt::Display;

use arch::Host;

use crate::output::Output;

/// A message and perhaps a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    message: String,
    hint: Option<String>,
    /// True if the user knows of it.
    is_silent: bool,
}

impl Error {
    /// Without a hint.
    pub fn new(message: impl Display) -> Error {
        Error { message: message.to_string(), hint: None, is_silent: false }
    }

    /// With what the user can do.
    pub fn hint(self, hint: impl Display) -> Error {
        Error { hint: Some(hint.to_string()), ..self }
    }

    /// The user's own interrupt, of which nothing is printed.
    pub(crate) fn interrupted() -> Error {
        Error { is_silent: true, ..Error::new("interrupted") }
    }

    /// True of an interrupt.
    pub(crate) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// The event.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The hint for the user.
    pub fn what_to_do(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Prints both.
    pub fn print(&self, output: &mut Output<'_>) {
        if self.is_silent {
            return;
        }
        output.error(&self.message);
        if let Some(hint) = &self.hint {
            output.hint(hint);
        }
    }
}

impl From<binfmt::Error> for Error {
    fn from(error: binfmt::Error) -> Error {
        let hint = match (error.hint(), way_out(&error)) {
            (Some(hint), Some(way_out)) => Some(format!("{hint}; or do without: {way_out}")),
            (hint, _) => hint,
        };
        Error { hint, ..Error::new(error) }
    }
}

/// The way to run foreign programs all the same where the kernel cannot be told, or not by this user.
pub(crate) fn way_out(error: &binfmt::Error) -> Option<&'static str> {
    use binfmt::Error::{MayNotMount, NoSuchFileSystem, NoSupport, NotPermitted};
    let is_out_of_reach = matches!(
        error,
        NoSupport { .. } | NoSuchFileSystem { .. } | MayNotMount { .. } | NotPermitted { .. }
    );
    let has_run = Host::native().is_ok_and(Host::has_run);
    (is_out_of_reach && has_run)
        .then_some("aptman/qus:run runs foreign programs with neither privilege nor binfmt_misc")
}
