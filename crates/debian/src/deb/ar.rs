//! The `ar` archive that a .deb is: the subset that deb(5) allows, so without long names.
//!
//! General `ar` readers keep a table of long names in memory, of whatever size its header states.

use std::io::{self, Read};

use super::Error;

const MAGIC: &[u8; 8] = b"!<arch>\n";

/// An archive, read from front to back.
pub(super) struct Archive<R> {
    inner: R,
    started: bool,
    /// The bytes up to the next header, one of padding included.
    left: u64,
}

/// One member; what is not read of it is skipped.
pub(super) struct Part<'a, R> {
    /// Its name, without the `/` that some writers end it with.
    pub(super) name: String,
    /// Its contents.
    contents: io::Take<&'a mut R>,
    left: &'a mut u64,
}

impl<R: Read> Read for Part<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.contents.read(buffer)?;
        if n == 0 && !buffer.is_empty() && self.contents.limit() > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *self.left -= n as u64;
        Ok(n)
    }
}

impl<R: Read> Archive<R> {
    pub(super) fn new(inner: R) -> Archive<R> {
        Archive { inner, started: false, left: 0 }
    }

    /// The next member; [`Error::Truncated`] if there is none.
    pub(super) fn next(&mut self) -> Result<Part<'_, R>, Error> {
        if !self.started {
            let mut magic = [0; 8];
            self.inner.read_exact(&mut magic)?;
            if magic != *MAGIC {
                return Err(damaged());
            }
            self.started = true;
        }
        let skipped = io::copy(&mut (&mut self.inner).take(self.left), &mut io::sink())?;
        if skipped < self.left {
            return Err(Error::Truncated);
        }
        let mut header = [0; 60];
        self.inner.read_exact(&mut header)?;
        let (name, size) = parse(&header).ok_or_else(damaged)?;
        self.left = size + size % 2;
        Ok(Part { name, contents: (&mut self.inner).take(size), left: &mut self.left })
    }
}

fn damaged() -> Error {
    Error::Format("no ar archive, or a damaged one".to_owned())
}

/// Name and size: 16 characters, 32 of no interest here, 10 decimal digits, and a mark.
fn parse(header: &[u8; 60]) -> Option<(String, u64)> {
    let text = std::str::from_utf8(header).ok()?.strip_suffix("`\n")?;
    let (name, size) = (text.get(..16)?.trim_end_matches(' '), text.get(48..58)?.trim_end_matches(' '));
    let name = name.strip_suffix('/').unwrap_or(name).to_owned();
    let digits = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
    // Ten digits always fit.
    Some((name, size.parse().ok().filter(|_| digits)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, size: &str, contents: &str) -> String {
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n{contents}", 0, 0, 0, 644)
    }

    /// The members as `name:contents`, up to the error.
    fn check(text: &str, expected: &[&str], error: &str) {
        let mut archive = Archive::new(text.as_bytes());
        let mut found = Vec::new();
        let failed = loop {
            match archive.next() {
                Ok(mut part) => {
                    let mut contents = String::new();
                    match part.read_to_string(&mut contents) {
                        Ok(_) => found.push(format!("{}:{contents}", part.name)),
                        Err(error) => break Error::from(error),
                    }
                }
                Err(error) => break error,
            }
        };
        assert_eq!(
            (found, failed.to_string()),
            (expected.iter().map(|s| (*s).to_owned()).collect(), error.to_owned())
        );
    }

    #[test]
    fn members_follow_each_other_and_are_padded_to_even_lengths() {
        let [a, b, c] = [member("a", "3", "abc\n"), member("b/", "2", "de"), member("c", "0", "")];
        check(&format!("!<arch>\n{a}{b}{c}"), &["a:abc", "b:de", "c:"], "the package is truncated");
    }

    #[test]
    fn a_member_that_is_not_read_is_skipped() {
        let text = format!("!<arch>\n{}{}", member("a", "3", "abc\n"), member("b", "1", "d"));
        let mut archive = Archive::new(text.as_bytes());
        archive.next().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(archive.next().map(|part| part.name).ok().as_deref(), Some("b"));
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        const DAMAGED: &str = "not a Debian package: no ar archive, or a damaged one";
        const TRUNCATED: &str = "the package is truncated";
        check("", &[], TRUNCATED);
        check("!<arch>", &[], TRUNCATED);
        check("not an archive", &[], DAMAGED);
        check("!<arch>\n", &[], TRUNCATED);
        for size in ["", "-1", "+1", "0x10", "1 1"] {
            check(&format!("!<arch>\n{}", member("a", size, "")), &[], DAMAGED);
        }
        check(&format!("!<arch>\n{}", member("a", "3", "ab")), &[], TRUNCATED);
        check(&format!("!<arch>\n{}", member("a", "3", "abc\n").replace('`', "'")), &[], DAMAGED);
        // A table of long names that is as long as a size can be is one more member.
        check(&format!("!<arch>\n{}", member("//", "9999999999", "a/\n")), &[], TRUNCATED);
    }
}
