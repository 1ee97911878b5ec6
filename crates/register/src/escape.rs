//! Text that others chose, made fit for a terminal and for a line of a log: an entry's name, an interpreter's path or its
//! words may hold control characters, which a terminal would obey, and line breaks, which begin a message of their own.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

/// True for control characters (C0, DEL, C1), line separators, and the marks that change the direction of text
/// (Unicode, "Bidirectional Algorithm", 2), which make it read as something else.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with each unprintable character as `\x1b` or `\u202e`.
pub(crate) fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        push(&mut escaped, c);
    }
    escaped
}

/// The same of a name or a path, with each byte that is not UTF-8 as `\xff`.
pub(crate) fn name(name: &OsStr) -> String {
    let mut escaped = String::with_capacity(name.len());
    for chunk in name.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            push(&mut escaped, c);
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

fn push(escaped: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = match u32::from(c) {
        _ if !is_unprintable(c) => escaped.write_char(c),
        code @ ..=0xff => write!(escaped, "\\x{code:02x}"),
        code => write!(escaped, "\\u{code:04x}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        for (bytes, expected) in [
            (&b"qemu-arm"[..], "qemu-arm"),
            (b"/usr/bin/caf\xc3\xa9 \\x", "/usr/bin/caf\u{e9} \\x"),
            (b"\x1b[2Jx\ny\r\t\x7f", "\\x1b[2Jx\\x0ay\\x0d\\x09\\x7f"),
            (b"\xc2\x9b31m", "\\x9b31m"),
            (b"a\xe2\x80\xaeb\xe2\x80\xa8c", "a\\u202eb\\u2028c"),
            (b"\xff\x9b-\xe2\x80", "\\xff\\x9b-\\xe2\\x80"),
        ] {
            assert_eq!(name(OsStr::from_bytes(bytes)), expected);
            if let Ok(valid) = std::str::from_utf8(bytes) {
                assert_eq!(text(valid), expected);
            }
            assert_eq!(text(expected), expected, "a second time changes nothing");
        }
    }
}
