//! Which version a QEMU is.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::{fmt, str};

use arch::Target;

/// A QEMU's version, `11.1.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// The first QEMU that asks the kernel whether `P` is set (its commit 6e1c0d7b951e).
    pub const ASKS_PRESERVE_ARGV0: Version = Version(5, 2, 0);
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}.{}", self.0, self.1, self.2))
    }
}

/// How much is read at once.
const CHUNK: usize = 1 << 17;

/// Finds `qemu-TARGET version 1.2.3`, which every QEMU holds to print it.
///
/// Looked up rather than asked for, so that nothing need be run: a foreign or damaged binary answers too. The binaries of
/// one package differ in front of it and hardly behind it, so it is looked for first where it was in the one before, counted
/// from the section's end: a quarter of the reading, which is what registering takes its time for.
#[derive(Debug, Default)]
pub struct Finder {
    buffer: Vec<u8>,
    /// How far before the end of its section the last one was.
    last: Option<u64>,
}

impl Finder {
    /// The version of the QEMU in `file`, with the text in the section at `place` (offset and size) if that is known.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(
        &mut self,
        file: &File,
        place: Option<(u64, u64)>,
        target: Target,
    ) -> io::Result<Option<Version>> {
        let needle = format!("qemu-{} version ", target.binary());
        let (start, size) = place.unwrap_or((0, u64::MAX));
        if let (Some(last), Some((start, size))) = (self.last, place) {
            let end = start.saturating_add(size);
            let guess = end.saturating_sub(last).saturating_sub(CHUNK as u64 / 2).max(start);
            let found = self.scan(file, guess, (CHUNK as u64).min(end.saturating_sub(guess)), &needle)?;
            if let Some((version, _)) = found {
                return Ok(Some(version));
            }
        }
        let found = self.scan(file, start, size, &needle)?;
        if let (Some((_, at)), Some((start, size))) = (found, place) {
            self.last = Some(start.saturating_add(size).saturating_sub(at));
        }
        Ok(found.map(|(version, _)| version))
    }

    /// Looks through `left` bytes from `position`; gives the version, and where in the file it stands.
    fn scan(
        &mut self,
        file: &File,
        mut position: u64,
        mut left: u64,
        needle: &str,
    ) -> io::Result<Option<(Version, u64)>> {
        // What is kept of one chunk for the next: as much as the words and a version can have.
        let overlap = needle.len() + 24;
        self.buffer.resize(self.buffer.len().max(CHUNK + overlap), 0);
        let buffer = &mut self.buffer;
        let mut kept = 0;
        loop {
            let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let read = file.read_at(&mut buffer[kept..kept + wanted], position)?;
            if read == 0 {
                return Ok(None);
            }
            position += read as u64;
            left -= read as u64;
            let filled = kept + read;
            let mut rest = &buffer[..filled];
            while let Some(found) = find(rest, needle.as_bytes()) {
                rest = &rest[found + needle.len()..];
                if let Some(version) = parse_version(rest) {
                    return Ok(Some((version, position - rest.len() as u64)));
                }
            }
            kept = filled.min(overlap);
            buffer.copy_within(filled - kept..filled, 0);
        }
    }
}

/// Where `needle` begins in `haystack`: Horspool's algorithm, which looks at about one byte in as many as `needle` has.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let last = needle.len().checked_sub(1)?;
    let mut skip = [needle.len(); 256];
    for (at, byte) in needle[..last].iter().enumerate() {
        skip[usize::from(*byte)] = last - at;
    }
    let mut at = 0;
    loop {
        let window = haystack.get(at..at + needle.len())?;
        if window == needle {
            return Some(at);
        }
        at += skip[usize::from(window[last])];
    }
}

fn parse_version(bytes: &[u8]) -> Option<Version> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
    let mut numbers = str::from_utf8(&bytes[..end]).ok()?.split('.').map(str::parse);
    let mut next = || numbers.next().and_then(Result::ok);
    Some(Version(next()?, next()?, next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const SIZE: usize = 6 << 20;

    /// What is found in a section of `SIZE` bytes with the texts at their places.
    fn found(finder: &mut Finder, texts: &[(usize, &str)]) -> Option<Version> {
        let mut bytes = vec![b'q'; SIZE];
        for (at, text) in texts {
            bytes[*at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        finder.find(&file, Some((0, SIZE as u64)), "arm".parse().unwrap()).unwrap()
    }

    #[test]
    fn it_is_found_near_the_last_one_and_anywhere_else() {
        let mut finder = Finder::default();
        for at in [300_000, 300_000, 320_000, 270_000, 5_000_000, 100, 0, SIZE - 40, 300_000] {
            let found = found(&mut finder, &[(at, "qemu-arm version 11.1.3 (Debian)\0")]);
            assert_eq!(found, Some(Version(11, 1, 3)), "{at}");
        }
        assert_eq!(found(&mut finder, &[]), None);
    }

    #[test]
    fn it_is_looked_for_near_the_last_one_first() {
        let first = (100_000, "qemu-arm version 1.0.0\0");
        let near = (3_030_000, "qemu-arm version 2.0.0\0");
        assert_eq!(found(&mut Finder::default(), &[first, near]), Some(Version(1, 0, 0)));
        let mut finder = Finder::default();
        let _ = found(&mut finder, &[(3_000_000, "qemu-arm version 2.0.0\0")]);
        assert_eq!(found(&mut finder, &[first, near]), Some(Version(2, 0, 0)));
    }
}
