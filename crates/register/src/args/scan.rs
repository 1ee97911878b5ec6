//! Reads options from arguments, by a table: GNU getopt's rules, and the old scripts' `-static` for `--static`.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};

use usage::{Row, Takes};

use super::options::{self, Opt};
use super::{UsageError, unknown_option, utf8};

/// On which side of `--` an argument stands: the wrapper's options come before it, and those of QEMU's script after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

static BEFORE: [Row<Opt>; options::BEFORE.len()] = usage::rows(&options::BEFORE);
static AFTER: [Row<Opt>; options::AFTER.len()] = usage::rows(&options::AFTER);
static EITHER: [Row<Opt>; options::EITHER.len()] = usage::rows(&options::EITHER);

/// All names on a side, in their order. Those of the other side's options are among them, unless they mean something else here.
fn known(side: Side) -> Vec<(&'static str, &'static Row<Opt>)> {
    let (own, other) = match side {
        Side::Before => (&BEFORE[..], &AFTER[..]),
        Side::After => (&AFTER[..], &BEFORE[..]),
    };
    let mut known: Vec<(&str, &Row<Opt>)> = Vec::new();
    for row in own.iter().chain(&EITHER).chain(other) {
        for &name in row.names {
            let at = known.partition_point(|(other, _)| *other < name);
            if known.get(at).is_none_or(|(other, _)| *other != name) {
                known.insert(at, (name, row));
            }
        }
    }
    known
}

/// From how many letters on what follows one dash is a long name rather than a group.
const LONG: usize = 6;

/// One argument.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An option without a value.
    Plain(Opt),
    /// An option that is `yes` unless it says `no`.
    YesNo(Opt, bool),
    /// An option with its value.
    Value(Opt, OsString),
    /// Anything else.
    Word(OsString),
}

/// The arguments on one side of `--`, or on both in turn.
pub(super) struct Scanner {
    rest: VecDeque<OsString>,
    side: Side,
    known: Vec<(&'static str, &'static Row<Opt>)>,
    /// The rest of a group like `-pc`, without its dash.
    group: String,
    /// After a second `--` there are words only.
    words_only: bool,
}

impl Scanner {
    pub(super) fn new(arguments: Vec<OsString>) -> Scanner {
        Scanner {
            rest: arguments.into(),
            side: Side::Before,
            known: known(Side::Before),
            group: String::new(),
            words_only: false,
        }
    }

    /// True if there was a `--`.
    pub(super) fn separated(&self) -> bool {
        self.side == Side::After
    }

    /// On which side of `--` the last token stood.
    pub(super) fn side(&self) -> Side {
        self.side
    }

    /// Everything that was not read yet; for the option that ends options.
    pub(super) fn into_rest(self) -> Vec<OsString> {
        self.rest.into()
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Option<Token>, UsageError> {
        if !self.group.is_empty() {
            return self.grouped().map(Some);
        }
        while let Some(argument) = self.rest.pop_front() {
            if self.words_only || argument.len() < 2 || !starts_with_dash(&argument) {
                return Ok(Some(Token::Word(argument)));
            }
            if argument != "--" {
                return self.option(&argument).map(Some);
            }
            match self.side {
                Side::Before => (self.side, self.known) = (Side::After, known(Side::After)),
                Side::After => self.words_only = true,
            }
        }
        Ok(None)
    }

    fn option(&mut self, argument: &OsStr) -> Result<Token, UsageError> {
        // A value may be a path that is not UTF-8; the option's name is.
        let bytes = argument.as_encoded_bytes();
        let (name, value) = match bytes.iter().position(|byte| *byte == b'=') {
            Some(at) if bytes.starts_with(b"--") => {
                let name = String::from_utf8_lossy(&bytes[..at]).into_owned();
                (name, Some(value_after(argument, at)?))
            }
            _ => (utf8(argument)?.to_owned(), None),
        };
        if let Some(long) = name.strip_prefix("--") {
            return self.long(long, &name, value);
        }
        let short = &name[1..];
        // A beginning that is as long as this is no group of letters.
        let is_long =
            |name: &str| name.len() > 1 && (name == short || short.len() >= LONG && name.starts_with(short));
        if self.known.iter().any(|(name, _)| is_long(name)) {
            return self.long(short, &name, None);
        }
        if let Some(error) = self.misspelt(short, &name) {
            return Err(error);
        }
        self.group = short.to_owned();
        self.grouped()
    }

    /// The error for an option that this side of `--` does not have.
    fn unknown(&self, typed: &str) -> UsageError {
        let names = self.known.iter().map(|(name, _)| *name);
        // These make the command line tonistiigi/binfmt's, if they are spelt right.
        let others = ["install", "uninstall"].into_iter().filter(|_| self.side == Side::Before);
        unknown_option(typed, names.chain(others))
    }

    /// The error for a long name after one dash with a mistake in it: taken for a group of letters, `-persistant` would be
    /// `-p` and `-e rsistant`.
    fn misspelt(&self, short: &str, typed: &str) -> Option<UsageError> {
        let is_name =
            short.len() >= LONG && short.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let error = self.unknown(typed);
        let UsageError::UnknownOption(_, suggestion) = &error else { return None };
        let is_near = suggestion.name().is_some_and(|name| name.len() >= LONG);
        (is_name && is_near).then_some(error)
    }

    /// `--NAME`, or an unambiguous beginning of it.
    fn long(&mut self, long: &str, typed: &str, value: Option<OsString>) -> Result<Token, UsageError> {
        let longs = self.known.iter().filter(|(name, _)| name.len() > 1 && name.starts_with(long));
        let begun: Vec<_> = longs.copied().collect();
        let row = match begun.as_slice() {
            [] => return Err(self.unknown(typed)),
            // Names are in their order, so that the whole one is before those that it begins.
            [(name, row), ..] if *name == long => *row,
            [(_, row), rest @ ..] if rest.iter().all(|(_, other)| other.option == row.option) => *row,
            several => {
                let names: Vec<String> = several.iter().map(|(name, _)| format!("--{name}")).collect();
                return Err(UsageError::Ambiguous(typed.to_owned(), names.join(", ")));
            }
        };
        self.with_value(row, typed.to_owned(), value)
    }

    /// The next letter of a group: `-pc`, `-Q/usr/bin`, `-pyes`.
    fn grouped(&mut self) -> Result<Token, UsageError> {
        let group = std::mem::take(&mut self.group);
        let mut letters = group.chars();
        let letter = letters.next().map(String::from).unwrap_or_default();
        let typed = format!("-{letter}");
        let row = self.known.iter().find(|(name, _)| *name == letter);
        let (_, row) = *row.ok_or_else(|| self.unknown(&typed))?;
        let rest = letters.as_str();
        let attached = match row.takes {
            Takes::Value => !rest.is_empty(),
            Takes::YesNo => matches!(rest, "yes" | "no"),
            Takes::Nothing | Takes::Attached => false,
        };
        if attached {
            return self.with_value(row, typed, Some(rest.into()));
        }
        if !rest.is_empty() {
            self.group = rest.to_owned();
            // What follows this letter is another letter, and no value.
            return Ok(if row.takes == Takes::YesNo {
                Token::YesNo(row.option, true)
            } else {
                Token::Plain(row.option)
            });
        }
        self.with_value(row, typed, None)
    }

    fn with_value(
        &mut self,
        row: &Row<Opt>,
        typed: String,
        value: Option<OsString>,
    ) -> Result<Token, UsageError> {
        match (row.takes, value) {
            (Takes::Nothing, None) => Ok(Token::Plain(row.option)),
            (Takes::Nothing, Some(value)) => {
                Err(UsageError::UnexpectedValue(typed, value.to_string_lossy().into_owned()))
            }
            (Takes::Attached, None) => Ok(Token::Plain(row.option)),
            (Takes::Attached, Some(value)) => Ok(Token::Value(row.option, value)),
            (Takes::Value, value) => match value.or_else(|| self.rest.pop_front()) {
                // Empty, it is a script's variable that is not set.
                Some(value) if !(row.is_folder && value.is_empty()) => Ok(Token::Value(row.option, value)),
                _ => Err(UsageError::MissingValue(typed)),
            },
            (Takes::YesNo, Some(value)) => match value.to_str() {
                Some("yes") => Ok(Token::YesNo(row.option, true)),
                Some("no") => Ok(Token::YesNo(row.option, false)),
                _ => Err(UsageError::UnexpectedValue(typed, value.to_string_lossy().into_owned())),
            },
            (Takes::YesNo, None) => {
                let said = self.rest.front().and_then(|next| next.to_str());
                let answer = match said {
                    Some("yes") => Some(true),
                    Some("no") => Some(false),
                    _ => None,
                };
                if answer.is_some() {
                    self.rest.pop_front();
                }
                Ok(Token::YesNo(row.option, answer.unwrap_or(true)))
            }
        }
    }
}

fn starts_with_dash(argument: &OsStr) -> bool {
    argument.as_encoded_bytes().starts_with(b"-")
}

/// The text after the `=` at `at`.
fn value_after(argument: &OsStr, at: usize) -> Result<OsString, UsageError> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    if !argument.as_bytes()[..at].is_ascii() {
        return Err(UsageError::NotUtf8(argument.to_string_lossy().into_owned()));
    }
    Ok(OsString::from_vec(argument.as_bytes()[at + 1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options under each of `names`, on a side.
    fn check(side: Side, names: &[(&str, Opt)]) {
        let known = known(side);
        for (name, option) in names {
            let found = known.iter().find(|(known, _)| known == name).map(|(_, row)| row.option);
            assert_eq!(found, Some(*option), "{name} {side:?}");
        }
    }

    #[test]
    fn a_letter_means_what_it_means_on_its_side() {
        let both = [("s", Opt::Static), ("r", Opt::Reset), ("t", Opt::Targets), ("systemd", Opt::Systemd)];
        check(Side::Before, &both);
        check(Side::Before, &[("e", Opt::Exit), ("i", Opt::Interactive), ("reset", Opt::Reset)]);
        check(Side::Before, &[("p", Opt::Persistent), ("clear", Opt::Clear), ("remove", Opt::Clear)]);
        check(
            Side::After,
            &[("s", Opt::Systemd), ("r", Opt::Clear), ("t", Opt::Test), ("static", Opt::Static)],
        );
        check(Side::After, &[("e", Opt::ExportDir), ("i", Opt::IgnoreFamily), ("reset", Opt::Clear)]);
        check(Side::After, &[("l", Opt::List), ("exit", Opt::Exit), ("f", Opt::Force)]);
    }

    #[test]
    fn no_two_options_of_a_side_have_one_name() {
        for own in [&BEFORE[..], &AFTER[..]] {
            let names: Vec<&str> =
                own.iter().chain(&EITHER).flat_map(|row| row.names.iter().copied()).collect();
            for name in &names {
                assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
            }
        }
    }
}
