//! Writes JSON: objects and arrays, indented by two spaces, in the order in which they are written.

use std::fmt::Write as _;

use crate::escape::is_unprintable;

/// A document in the making.
#[derive(Debug, Default)]
pub(crate) struct Json {
    text: String,
    depth: usize,
    /// True if something stands before the next member.
    follows: bool,
}

impl Json {
    /// An object, or an array if `brackets` are `[]`, as the member `key` of what is around it; an array's members
    /// have no keys.
    pub(crate) fn nested(&mut self, key: Option<&str>, brackets: [char; 2], members: impl FnOnce(&mut Json)) {
        self.member(key);
        self.text.push(brackets[0]);
        self.depth += 1;
        self.follows = false;
        members(self);
        self.depth -= 1;
        if self.follows {
            self.new_line();
        }
        self.text.push(brackets[1]);
        self.follows = true;
    }

    /// A string.
    pub(crate) fn string(&mut self, key: Option<&str>, value: &str) {
        self.member(key);
        self.quoted(value);
    }

    /// A string, or null.
    pub(crate) fn optional(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.string(Some(key), value),
            None => self.bare(key, "null"),
        }
    }

    /// A boolean.
    pub(crate) fn boolean(&mut self, key: &str, value: bool) {
        self.bare(key, if value { "true" } else { "false" });
    }

    /// A number.
    pub(crate) fn number(&mut self, key: &str, value: u32) {
        self.bare(key, &value.to_string());
    }

    /// The whole, with a line break at its end.
    pub(crate) fn into_text(mut self) -> String {
        self.text.push('\n');
        self.text
    }

    fn bare(&mut self, key: &str, value: &str) {
        self.member(Some(key));
        self.text.push_str(value);
    }

    fn member(&mut self, key: Option<&str>) {
        if self.follows {
            self.text.push(',');
        }
        if self.depth > 0 {
            self.new_line();
        }
        if let Some(key) = key {
            self.quoted(key);
            self.text.push_str(": ");
        }
        self.follows = true;
    }

    fn new_line(&mut self) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    /// RFC 8259, section 7.
    fn quoted(&mut self, value: &str) {
        self.text.push('"');
        for c in value.chars() {
            match c {
                '"' | '\\' => self.text.extend(['\\', c]),
                '\n' => self.text.push_str("\\n"),
                // More than section 7 asks for: a terminal obeys others, too. All are of the basic plane.
                c if is_unprintable(c) => {
                    // Writing to a String cannot fail.
                    let _ = write!(self.text, "\\u{:04x}", u32::from(c));
                }
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_commas_and_escapes() {
        let mut json = Json::default();
        json.nested(None, ['{', '}'], |json| {
            json.nested(Some("none"), ['[', ']'], |_| {});
            json.nested(Some("two"), ['[', ']'], |json| {
                json.string(None, "a\"\\\n\u{1}\u{9b}\u{202e}é");
                json.string(None, "");
            });
            json.optional("null", None);
            json.boolean("yes", true);
            json.number("n", 7);
        });
        let expected = "{\n  \"none\": [],\n  \"two\": [\n    \"a\\\"\\\\\\n\\u0001\\u009b\\u202eé\",\n    \"\"\n  ],\n  \
             \"null\": null,\n  \"yes\": true,\n  \"n\": 7\n}\n";
        assert_eq!(json.into_text(), expected);
    }
}
