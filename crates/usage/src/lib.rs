//! Command lines as tables: options with their names, values and effects. Parsers read them as [`rows`], help is [`render`]ed
//! from them, and so are manual pages and completions.
//!
//! Both functions run at compile time, so that a program holds its help as one text, and of the tables what its parser reads.

mod render;

pub use render::{length, render, text};

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag<O: 'static> {
    /// Its meaning to the program.
    pub option: O,
    /// Its names without dashes: one goes before a single letter, two before others.
    pub names: &'static [&'static str],
    /// The number of names, at the end, that are not documented.
    pub hidden: usize,
    /// The value after it.
    pub value: Value,
    /// Its effect.
    pub text: &'static str,
}

/// The value after an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// None.
    Nothing,
    /// `yes` or `no`; without either it is `yes`.
    YesNo,
    /// One that has to follow, under the name that the help gives it.
    One(&'static str, Kind),
    /// One that may be attached by a `=`, under the name that the help gives it: `[=NAME]`. Nothing follows the option.
    Attached(&'static str),
    /// Arguments that may follow and belong to the command line itself, under the name that the help gives them.
    Rest(&'static str, Kind),
}

/// The kind of a value, for completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// Targets.
    Targets,
    /// A command.
    Command,
    /// One of these words, which spaces separate.
    Word(&'static str),
    /// A text that nobody can guess.
    Any,
}

/// A paragraph of a help text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block<O: 'static> {
    /// The command line, after `Usage: `.
    Usage(&'static str),
    /// Sentences.
    Text(&'static str),
    /// Command lines, each with its effect.
    Examples {
        /// The column in which the effects begin.
        column: usize,
        /// The command lines and their effects.
        lines: &'static [(&'static str, &'static str)],
    },
    /// Options that belong together.
    Options {
        /// The heading above them, without its colon.
        title: Option<&'static str>,
        /// The column in which the effects begin.
        column: usize,
        /// The options; those without documented names are not shown.
        flags: &'static [Flag<O>],
    },
}

impl<O: Copy> Flag<O> {
    /// An option without a value.
    pub const fn new(option: O, names: &'static [&'static str], text: &'static str) -> Flag<O> {
        Flag { option, names, hidden: 0, value: Value::Nothing, text }
    }

    /// The option with this value.
    pub const fn value(self, value: Value) -> Flag<O> {
        Flag { value, ..self }
    }

    /// The option, the last `hidden` of whose names are not documented.
    pub const fn hidden(self, hidden: usize) -> Flag<O> {
        Flag { hidden, ..self }
    }

    /// The documented names with their dashes.
    pub fn spellings(&self) -> impl Iterator<Item = String> {
        self.documented().iter().map(|name| format!("{}{name}", dashes(name)))
    }
}

impl<O> Flag<O> {
    /// The documented names.
    pub const fn documented(&self) -> &'static [&'static str] {
        self.names.split_at(self.names.len() - self.hidden).0
    }
}

impl Value {
    /// The name that the help gives it, which is empty if there is none.
    pub const fn name(self) -> &'static str {
        match self {
            Value::Nothing => "",
            Value::YesNo => "[yes|no]",
            Value::One(name, _) | Value::Rest(name, _) | Value::Attached(name) => name,
        }
    }

    /// The text between an option and its value's name.
    pub const fn separator(self) -> &'static str {
        match self {
            Value::Nothing | Value::Attached(_) => "",
            Value::YesNo | Value::One(..) | Value::Rest(..) => " ",
        }
    }

    /// The kind of the argument that follows, if one does.
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Value::Nothing | Value::Attached(_) => None,
            Value::YesNo => Some(Kind::Word("yes no")),
            Value::One(_, kind) | Value::Rest(_, kind) => Some(kind),
        }
    }
}

/// The dashes before a name.
pub const fn dashes(name: &str) -> &'static str {
    if name.len() == 1 { "-" } else { "--" }
}

/// The part of an option that a parser reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<O: 'static> {
    /// Its meaning to the program.
    pub option: O,
    /// Its value in the arguments.
    pub takes: Takes,
    /// True if the value is a folder, which no empty text names.
    pub is_folder: bool,
    /// All of its names, without dashes.
    pub names: &'static [&'static str],
}

/// The value of an option in the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// `yes` or `no`, which may be left out.
    YesNo,
    /// Any.
    Value,
    /// Any, or none, attached by a `=`.
    Attached,
}

/// The parts of `flags` that a parser reads.
pub const fn rows<O: Copy, const N: usize>(flags: &[Flag<O>; N]) -> [Row<O>; N] {
    let mut rows = [row(&flags[0]); N];
    let mut at = 1;
    while at < N {
        rows[at] = row(&flags[at]);
        at += 1;
    }
    rows
}

const fn row<O: Copy>(flag: &Flag<O>) -> Row<O> {
    let takes = match flag.value {
        Value::Nothing | Value::Rest(..) => Takes::Nothing,
        Value::YesNo => Takes::YesNo,
        Value::One(..) => Takes::Value,
        Value::Attached(_) => Takes::Attached,
    };
    let is_folder = matches!(flag.value, Value::One(_, Kind::Folder));
    Row { option: flag.option, takes, is_folder, names: flag.names }
}
