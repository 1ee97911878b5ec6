//! Something that was asked for and does not hold, with what to do about it.

use std::fmt::Display;

use crate::output::Output;

/// A message and perhaps a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    message: String,
    hint: Option<String>,
}

impl Trouble {
    /// Without a hint.
    pub fn new(message: impl Display) -> Trouble {
        Trouble { message: message.to_string(), hint: None }
    }

    /// With what the user can do.
    pub fn hint(self, hint: impl Display) -> Trouble {
        Trouble { hint: Some(hint.to_string()), ..self }
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
        output.error(&self.message);
        if let Some(hint) = &self.hint {
            output.hint(hint);
        }
    }
}

impl From<binfmt::Error> for Trouble {
    fn from(error: binfmt::Error) -> Trouble {
        Trouble { message: error.to_string(), hint: error.hint() }
    }
}
