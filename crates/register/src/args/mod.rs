//! The arguments, collected without side effects.
//!
//! The command line is older than this program and irregular: two levels of options around a `--`, where the same letter
//! means different things; long options after one dash; options whose `yes` or `no` may be left out; target lists
//! between them. No parser library has that grammar, so `scan` reads it by the tables of [`options`], `register` gives them
//! their meaning, and [`binfmt`] does the same for the command line of tonistiigi/binfmt, which follows Go's rules.

pub mod binfmt;
pub mod options;
mod register;
mod scan;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use arch::Suggestion;
pub use register::{Action, Args, Cpu, Mode, Step, Style};

/// The work of the program, by its name and its arguments.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    /// Print `register`'s help, and exit with this code.
    Help(u8),
    /// Print the version.
    Version,
    /// Become a shell, or this command.
    Shell(Vec<OsString>),
    /// Everything else that `register` does.
    Register(Box<Args>),
    /// tonistiigi/binfmt's command line.
    Binfmt(binfmt::Invocation),
}

/// A command line that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// No such option at this level. The wording is the old shell script's.
    #[error("Invalid option: {0}{1}")]
    UnknownOption(String, Suggestion),
    /// The start of several options' names.
    #[error("Ambiguous option: {0} (one of {1})")]
    Ambiguous(String, String),
    /// The value is missing. The wording is the old shell script's.
    #[error("Option {0} requires an argument.")]
    MissingValue(String),
    /// A value where there can be none, or neither `yes` nor `no`.
    #[error("Option {0} does not take the argument `{1}`.")]
    UnexpectedValue(String, String),
    /// Neither an option nor a target's name can be read from it.
    #[error("The argument `{0}` is not valid UTF-8.")]
    NotUtf8(String),
    /// tonistiigi/binfmt has options only.
    #[error("Unexpected argument: {0}")]
    UnexpectedArgument(String),
    /// A check of another extent than there is.
    #[error("Option --check does not take the argument `{0}`{1}.")]
    UnknownExtent(String, Suggestion),
    /// Two options that exclude each other.
    #[error("Options {0} and {1} exclude each other.")]
    Conflict(&'static str, &'static str),
}

/// Reads a whole command line, the program's name first.
///
/// # Errors
/// [`UsageError`], for the first thing that is wrong.
pub fn parse(arguments: Vec<OsString>) -> Result<Invocation, UsageError> {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().unwrap_or_default();
    let arguments: Vec<OsString> = arguments.collect();
    // What follows `-i` or `--` is not this program's first level.
    let first_level = arguments.iter().take_while(|argument| {
        !["--", "-i", "-interactive", "--interactive"].iter().any(|end| argument == end)
    });
    if Path::new(&program).file_name() == Some(OsStr::new("binfmt"))
        || first_level.into_iter().any(is_binfmts)
    {
        return binfmt::parse(arguments).map(Invocation::Binfmt);
    }
    register::parse(arguments)
}

/// Options that only tonistiigi/binfmt has.
fn is_binfmts(argument: &OsString) -> bool {
    let Some(text) = argument.to_str() else { return false };
    let name = text.split('=').next().unwrap_or_default();
    matches!(name, "--install" | "-install" | "--uninstall" | "-uninstall")
}

/// Splits `a,b c` as the old scripts' lists were split: by commas and spaces.
pub(crate) fn names(list: &str) -> impl Iterator<Item = String> + '_ {
    list.split(|c: char| c == ',' || c.is_whitespace()).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The error for an option that is none of `known`, which have no dashes.
fn unknown_option<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> UsageError {
    let bare = typed.trim_start_matches('-').to_ascii_lowercase();
    let known: Vec<String> =
        known.into_iter().filter(|name| name.len() > 1).map(|name| format!("--{name}")).collect();
    let suggestion = Suggestion::among(known.iter().map(String::as_str), &format!("--{bare}"));
    // Nothing is near a single letter.
    let suggestion = if bare.len() > 1 { suggestion } else { Suggestion::default() };
    UsageError::UnknownOption(typed.to_owned(), suggestion)
}

fn utf8(argument: &OsStr) -> Result<&str, UsageError> {
    argument.to_str().ok_or_else(|| UsageError::NotUtf8(argument.to_string_lossy().into_owned()))
}

fn path(value: &OsStr) -> PathBuf {
    PathBuf::from(value)
}
