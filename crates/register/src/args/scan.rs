//! Reads options from arguments, by a table: GNU getopt's rules, and the old scripts' `-static` for `--static`.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};

use super::{UsageError, unknown_option, utf8};

/// The meaning of an option; the letters that spell it depend on the side of `--`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opt {
    Check,
    Clear,
    Credential,
    Debian,
    DryRun,
    Ephemeral,
    Exit,
    ExportDir,
    Force,
    Help,
    IgnoreFamily,
    Interactive,
    Json,
    List,
    Mount,
    NoCheck,
    Path,
    Persistent,
    PreserveArgv0,
    Reset,
    Static,
    Suffix,
    Systemd,
    Targets,
    Test,
    Version,
}

/// On which side of `--` an argument stands: the wrapper's options come before it, and those of QEMU's script after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// `yes` or `no`, which may be left out: `-p`, `-p no`, `--persistent=no`.
    YesNo,
    Value,
}

struct Row {
    opt: Opt,
    takes: Takes,
    before: &'static [&'static str],
    after: &'static [&'static str],
}

const fn both(opt: Opt, takes: Takes, names: &'static [&'static str]) -> Row {
    Row { opt, takes, before: names, after: names }
}

/// Names of one letter follow one dash. Where a name stands on one side only, it means something else on the other.
#[rustfmt::skip]
static ROWS: &[Row] = &[
    both(Opt::Check, Takes::Nothing, &["check"]),
    Row { opt: Opt::Clear, takes: Takes::Nothing, before: &["clear", "remove"], after: &["r", "clear", "remove", "reset"] },
    both(Opt::Credential, Takes::YesNo, &["c", "credential"]),
    both(Opt::Debian, Takes::Nothing, &["d", "debian"]),
    both(Opt::DryRun, Takes::Nothing, &["n", "dry-run"]),
    both(Opt::Ephemeral, Takes::Nothing, &["ephemeral"]),
    Row { opt: Opt::Exit, takes: Takes::Nothing, before: &["e", "exit"], after: &["exit"] },
    Row { opt: Opt::ExportDir, takes: Takes::Value, before: &["exportdir"], after: &["e", "exportdir"] },
    both(Opt::Force, Takes::Nothing, &["f", "force"]),
    both(Opt::Help, Takes::Nothing, &["h", "help"]),
    Row { opt: Opt::IgnoreFamily, takes: Takes::YesNo, before: &["ignore-family"], after: &["i", "ignore-family"] },
    Row { opt: Opt::Interactive, takes: Takes::Nothing, before: &["i", "interactive"], after: &["interactive"] },
    both(Opt::Json, Takes::Nothing, &["json"]),
    Row { opt: Opt::List, takes: Takes::Nothing, before: &["l", "list"], after: &["l", "list"] },
    both(Opt::Mount, Takes::Value, &["m", "mount"]),
    both(Opt::NoCheck, Takes::Nothing, &["no-check"]),
    both(Opt::Path, Takes::Value, &["Q", "path", "qemu-path"]),
    both(Opt::Persistent, Takes::YesNo, &["p", "persistent"]),
    both(Opt::PreserveArgv0, Takes::YesNo, &["g", "preserve-argv0"]),
    Row { opt: Opt::Reset, takes: Takes::Nothing, before: &["r", "reset"], after: &[] },
    Row { opt: Opt::Static, takes: Takes::Nothing, before: &["s", "static"], after: &["static"] },
    both(Opt::Suffix, Takes::Value, &["F", "suffix", "qemu-suffix"]),
    Row { opt: Opt::Systemd, takes: Takes::Nothing, before: &["systemd"], after: &["s", "systemd"] },
    Row { opt: Opt::Targets, takes: Takes::Value, before: &["t", "targets"], after: &["targets"] },
    Row { opt: Opt::Test, takes: Takes::Nothing, before: &["test"], after: &["t", "test"] },
    both(Opt::Version, Takes::Nothing, &["V", "version"]),
];

impl Row {
    fn names(&self, side: Side) -> &'static [&'static str] {
        match side {
            Side::Before => self.before,
            Side::After => self.after,
        }
    }
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
    /// The rest of a group like `-pc`, without its dash.
    group: String,
    /// After a second `--` there are words only.
    words_only: bool,
    separated: bool,
}

impl Scanner {
    pub(super) fn new(arguments: Vec<OsString>) -> Scanner {
        let rest = arguments.into();
        Scanner { rest, side: Side::Before, group: String::new(), words_only: false, separated: false }
    }

    /// True if there was a `--`.
    pub(super) fn separated(&self) -> bool {
        self.separated
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
                Side::Before => (self.side, self.separated) = (Side::After, true),
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
        let is_long = |known: &&str| {
            known.len() > 1 && (*known == short || short.len() >= LONG && known.starts_with(short))
        };
        if ROWS.iter().any(|row| row.names(self.side).iter().any(is_long)) {
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
        let names = ROWS.iter().flat_map(|row| row.names(self.side).iter().copied());
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
        let longs = |row: &'static Row| row.names(self.side).iter().filter(|name| name.len() > 1);
        let exact = ROWS.iter().find(|row| longs(row).any(|name| *name == long));
        let begun: Vec<(&Row, &str)> = ROWS
            .iter()
            .filter_map(|row| longs(row).find(|name| name.starts_with(long)).map(|name| (row, *name)))
            .collect();
        let row = match (exact, begun.as_slice()) {
            (Some(row), _) => row,
            (None, [(row, _)]) => *row,
            (None, []) => return Err(self.unknown(typed)),
            (None, several) => {
                let names: Vec<String> = several.iter().map(|(_, name)| format!("--{name}")).collect();
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
        let row = ROWS.iter().find(|row| row.names(self.side).contains(&letter.as_str()));
        let row = row.ok_or_else(|| self.unknown(&typed))?;
        let rest = letters.as_str();
        let attached = match row.takes {
            Takes::Value => !rest.is_empty(),
            Takes::YesNo => matches!(rest, "yes" | "no"),
            Takes::Nothing => false,
        };
        if attached {
            return self.with_value(row, typed, Some(rest.into()));
        }
        if !rest.is_empty() {
            self.group = rest.to_owned();
            // What follows this letter is another letter, and no value.
            return Ok(if row.takes == Takes::YesNo {
                Token::YesNo(row.opt, true)
            } else {
                Token::Plain(row.opt)
            });
        }
        self.with_value(row, typed, None)
    }

    fn with_value(&mut self, row: &Row, typed: String, value: Option<OsString>) -> Result<Token, UsageError> {
        match (row.takes, value) {
            (Takes::Nothing, None) => Ok(Token::Plain(row.opt)),
            (Takes::Nothing, Some(value)) => {
                Err(UsageError::UnexpectedValue(typed, value.to_string_lossy().into_owned()))
            }
            (Takes::Value, Some(value)) => Ok(Token::Value(row.opt, value)),
            (Takes::Value, None) => match self.rest.pop_front() {
                Some(value) => Ok(Token::Value(row.opt, value)),
                None => Err(UsageError::MissingValue(typed)),
            },
            (Takes::YesNo, Some(value)) => match value.to_str() {
                Some("yes") => Ok(Token::YesNo(row.opt, true)),
                Some("no") => Ok(Token::YesNo(row.opt, false)),
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
                Ok(Token::YesNo(row.opt, answer.unwrap_or(true)))
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
    use crate::help::outline::{self, Block};

    #[test]
    fn a_name_means_one_thing_on_each_side() {
        for side in [Side::Before, Side::After] {
            let names: Vec<_> = ROWS.iter().flat_map(|row| row.names(side)).collect();
            for name in &names {
                assert_eq!(names.iter().filter(|other| other == &name).count(), 1, "{name} {side:?}");
            }
        }
    }

    /// The help's headings of the options of each side.
    fn told(title: &str) -> Vec<&'static str> {
        let blocks = outline::blocks(crate::help::REGISTER);
        let options = blocks.into_iter().find_map(|block| match block {
            Block::Options { title: found, options } if found == Some(title) => Some(options),
            _ => None,
        });
        options.unwrap().iter().flat_map(|option| option.names.clone()).collect()
    }

    #[test]
    fn the_help_tells_every_option_and_no_other() {
        for (side, title) in [(Side::Before, "Before --"), (Side::After, "After --")] {
            let mut meant = Vec::new();
            for name in told(title).into_iter().chain(told("On either side")) {
                let bare = name.trim_start_matches('-');
                assert_eq!(name.starts_with("--"), bare.len() > 1, "{name}");
                let row = ROWS.iter().find(|row| row.names(side).contains(&bare));
                meant.push(row.unwrap_or_else(|| panic!("{name} is no option {title}")).opt);
            }
            for row in ROWS {
                // What stands on both sides under one name may be explained on one of them.
                let elsewhere = row.before == row.after || row.names(side).iter().all(|name| name.len() > 1);
                assert!(elsewhere || meant.contains(&row.opt), "{:?} is not told {title}", row.opt);
            }
        }
        let everywhere: Vec<_> =
            ["Before --", "After --", "On either side"].into_iter().flat_map(told).collect();
        for row in ROWS {
            let names = row.before.iter().chain(row.after);
            let told = |name: &&str| everywhere.iter().any(|told| told.trim_start_matches('-') == *name);
            assert!(names.clone().any(told), "{:?} is told nowhere", row.opt);
        }
    }
}
