//! The output of a program and its interpreter.

use std::fmt::Write as _;

use crate::failures::FAILURES;

/// A program's output, taken apart.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Account<'a> {
    /// The part that was begun last.
    pub part: Option<&'a str>,
    /// The failure that the program reports.
    pub failure: Option<String>,
    /// The first line that is not the program's: an interpreter's words.
    pub words: Option<&'a str>,
}

impl<'a> Account<'a> {
    /// Reads an output, whose lines may be anything.
    pub fn read(output: &'a str) -> Account<'a> {
        let mut account = Account::default();
        for line in output.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(name) = line.strip_prefix("part ").filter(|name| is_name(name)) {
                account.part = Some(name);
            } else if let Some(failure) = line.strip_prefix("fails ").and_then(failure) {
                account.failure = Some(failure);
            } else if account.words.is_none() {
                account.words = Some(line);
            }
        }
        account
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// The text of `FAILURE NUMBER`.
fn failure(line: &str) -> Option<String> {
    let (place, number) = line.split_once(' ')?;
    let mut text = (*FAILURES.get(place.parse::<usize>().ok()?)?).to_owned();
    let number: i64 = number.parse().ok()?;
    // Writing to a String cannot fail.
    let _ = write!(text, " ({number})");
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_program_are_told_from_others() {
        for (output, part, failure, words) in [
            ("", None, None, None),
            ("part mmap\npart clock\n", Some("clock"), None, None),
            (
                "part fork\nqemu: uncaught target signal 11\nand more\n",
                Some("fork"),
                None,
                Some("qemu: uncaught target signal 11"),
            ),
            ("part mmap\nfails 0 -12\n", Some("mmap"), Some("memory cannot be mapped (-12)"), None),
            ("fails 0\npart\npart X y\n", None, None, Some("fails 0")),
            ("fails 999 1", None, None, Some("fails 999 1")),
            ("fails 0 x", None, None, Some("fails 0 x")),
        ] {
            let expected = Account { part, failure: failure.map(str::to_owned), words };
            assert_eq!(Account::read(output), expected, "{output:?}");
        }
    }
}
