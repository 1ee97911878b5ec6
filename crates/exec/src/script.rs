//! The first line of a script, read as the kernel reads it (`load_script` in fs/binfmt_script.c, since Linux 5.1).

/// The number of bytes that the kernel reads of a file to be executed (`BINPRM_BUF_SIZE` in include/uapi/linux/binfmts.h).
pub const SIZE: usize = 256;

/// An interpreter and its one argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The interpreter's path.
    pub interpreter: Vec<u8>,
    /// The rest of the line, as one argument.
    pub argument: Option<Vec<u8>>,
}

/// The first [`SIZE`] bytes of a file, as the kernel has them: it reads into a buffer of zeros.
pub(crate) fn filled_up(header: &[u8]) -> [u8; SIZE] {
    let mut buffer = [0; SIZE];
    let length = header.len().min(SIZE);
    buffer[..length].copy_from_slice(&header[..length]);
    buffer
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

impl Script {
    /// Reads the line in `header`, of which the first [`SIZE`] bytes count; `None` if the kernel would not take the file for a
    /// script.
    pub fn parse(header: &[u8]) -> Option<Script> {
        if !header.starts_with(b"#!") {
            return None;
        }
        let text = &filled_up(header)[2..];
        // A line feed behind a NUL does not count, for the kernel searches a string.
        let string = &text[..text.iter().position(|byte| *byte == 0).unwrap_or(text.len())];
        let line = match string.iter().position(|byte| *byte == b'\n') {
            Some(end) => &string[..end],
            None => unfinished(text)?,
        };
        let line = trim(line);
        let end = line.iter().position(|byte| is_blank(*byte) || *byte == 0).unwrap_or(line.len());
        let (interpreter, rest) = line.split_at(end);
        if interpreter.is_empty() {
            return None;
        }
        let argument = (rest.first() != Some(&0)).then(|| trim_start(rest)).map(|rest| {
            let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
            rest[..end].to_vec()
        });
        Some(Script {
            interpreter: interpreter.to_vec(),
            argument: argument.filter(|argument| !argument.is_empty()),
        })
    }
}

/// The line of a header without a line feed: all of it, but for its last byte. The interpreter must be complete, which something
/// behind it shows: a blank, or the zeros behind the end of the file.
fn unfinished(text: &[u8]) -> Option<&[u8]> {
    let is_complete = trim_start(text).iter().any(|byte| is_blank(*byte) || *byte == 0);
    is_complete.then(|| &text[..text.len() - 1])
}

fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_blank(*first)
    {
        bytes = rest;
    }
    bytes
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., last] = bytes
        && is_blank(*last)
    {
        bytes = rest;
    }
    trim_start(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &[u8], expected: Option<(&str, Option<&str>)>) {
        let script = Script::parse(header);
        let actual = script.map(|script| {
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            (text(script.interpreter), script.argument.map(text))
        });
        let expected = expected.map(|(path, argument)| (path.to_owned(), argument.map(str::to_owned)));
        assert_eq!(actual, expected, "{}", String::from_utf8_lossy(header));
    }

    #[test]
    fn lines_as_the_kernel_reads_them() {
        check(b"#!/bin/sh\n", Some(("/bin/sh", None)));
        check(b"#! \t/bin/sh \t \necho", Some(("/bin/sh", None)));
        check(b"#!/usr/bin/env python3 -u\n", Some(("/usr/bin/env", Some("python3 -u"))));
        check(b"#!/bin/awk \t-f \n", Some(("/bin/awk", Some("-f"))));
        check(b"#!sh\n", Some(("sh", None)));
        // The end of the file ends the line.
        check(b"#!/bin/sh", Some(("/bin/sh", None)));
        check(b"#!/bin/sh -x", Some(("/bin/sh", Some("-x"))));
        check(b"#!/bin/sh -x ", Some(("/bin/sh", Some("-x "))));
        // So does a NUL.
        check(b"#!/bin/sh\0-x\n", Some(("/bin/sh", None)));
        check(b"#!/bin/sh -x\0y\n", Some(("/bin/sh", Some("-x"))));
        // A carriage return is a part of the name.
        check(b"#!/bin/sh\r\n", Some(("/bin/sh\r", None)));
        for no in [&b"#!"[..], b"#!\n", b"#! \t\n", b"#", b"", b" #!/bin/sh\n", b"#\n!/bin/sh\n"] {
            check(no, None);
        }
    }

    #[test]
    fn lines_that_are_longer_than_what_the_kernel_reads() {
        let line = |name: usize, rest: &str| [&b"#!"[..], &vec![b'x'; name], rest.as_bytes()].concat();
        let name = |length: usize| "x".repeat(length);
        check(&line(253, "\n"), Some((&name(253), None)));
        // The line feed is the 257th byte: the name may go on.
        check(&line(254, "\n"), None);
        check(&line(300, "\n"), None);
        // The name is complete, and its argument is cut.
        check(&line(200, &format!(" {}", name(100))), Some((&name(200), Some(&name(52)))));
        check(&line(253, " y\n"), Some((&name(253), None)));
        check(&[b"#!".as_slice(), &[b' '; 300], b"/bin/sh\n"].concat(), None);
    }
}
