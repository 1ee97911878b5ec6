//! Parts of TOML files that are written by hand, so that a fact is a line, and the places of what is wrong in those that are read.

use std::fmt::{self, Display, Formatter};

/// A TOML basic string (TOML 1.0, \"String\").
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

/// The line of `text` that the byte at `offset` is in, counted from 1; past the end, the last one.
pub fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_string_cannot_hold_is_escaped() {
        assert_eq!(Quoted("a \"b\\\u{7}\u{7f}ä").to_string(), "\"a \\\"b\\\\\\u0007\\u007Fä\"");
    }

    #[test]
    fn lines_are_counted_from_one() {
        let lines = [0, 1, 2, 4, 5, 9].map(|offset| line_of("a\nbc\nd", offset));
        assert_eq!(lines, [1, 1, 2, 2, 3, 3]);
    }
}
