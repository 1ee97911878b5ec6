//! The version of a QEMU.

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

    /// Major and minor, which name a release.
    pub fn release(self) -> (u32, u32) {
        (self.0, self.1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}.{}", self.0, self.1, self.2))
    }
}

/// The number of bytes that are read at once.
const CHUNK: usize = 1 << 17;

/// The number of bytes that are read first where the text is likely to be.
const NEAR: usize = 1 << 15;

/// Finds `qemu-TARGET version 1.2.3`, which every QEMU holds to print it.
///
/// Looked up rather than asked for, so that nothing need be run: a foreign or damaged binary answers too. Reading is what
/// registering takes its time for, so it is looked for first near where it was in the binary before, which is of the same
/// package as a rule: those differ most in front of it, and a section that is larger by three bytes has it two bytes
/// further from its end (QEMU 7 to 11).
#[derive(Debug, Default)]
pub struct Finder {
    buffer: Vec<u8>,
    last: Option<Last>,
}

/// The place in the binary before.
#[derive(Debug, Clone, Copy)]
struct Last {
    /// The section's size.
    size: u64,
    /// The distance from the section's end.
    distance: u64,
}

impl Last {
    /// The likely distance from the end of a section of `size` bytes.
    fn guess(self, size: u64) -> u64 {
        let grown = size.saturating_sub(self.size) / 3 * 2;
        let shrunk = self.size.saturating_sub(size) / 3 * 2;
        (self.distance + grown).saturating_sub(shrunk)
    }
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
        let Some((start, size)) = place else {
            return Ok(self.scan(file, 0, u64::MAX, &needle)?.map(|(version, _)| version));
        };
        let end = start.saturating_add(size);
        let mut tries = vec![(start, size)];
        if let Some(last) = self.last {
            let guess = end.saturating_sub(last.guess(size));
            let around = |width: usize| {
                let first = guess.saturating_sub(width as u64 / 2).max(start);
                (first, (width as u64).min(end.saturating_sub(first)))
            };
            tries.splice(..0, [around(NEAR), around(CHUNK)]);
        }
        for (position, left) in tries {
            if let Some((version, at)) = self.scan(file, position, left, &needle)? {
                self.last = Some(Last { size, distance: end.saturating_sub(at) });
                return Ok(Some(version));
            }
        }
        Ok(None)
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

/// The position of `needle` in `haystack`: Horspool's algorithm, which looks at about one byte in as many as `needle` has.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let last = needle.len().checked_sub(1)?;
    let mut skip = [needle.len(); 256];
    for (at, byte) in needle[..last].iter().enumerate() {
        skip[usize::from(*byte)] = last - at;
    }
    let mut at = 0;
    loop {
        let window = haystack.get(at..at + needle.len())?;
        // Nearly always the last byte is another, and comparing all of them would be a call.
        if window[last] == needle[last] && window == needle {
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

    /// The version that is found in a section of `SIZE` bytes with the texts at their places.
    fn found(finder: &mut Finder, texts: &[(usize, &str)]) -> Option<Version> {
        found_in(SIZE, finder, texts)
    }

    fn found_in(size: usize, finder: &mut Finder, texts: &[(usize, &str)]) -> Option<Version> {
        let mut bytes = vec![b'q'; size];
        for (at, text) in texts {
            bytes[*at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        finder.find(&file, Some((0, size as u64)), "arm".parse().unwrap()).unwrap()
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

    #[test]
    fn a_larger_section_has_it_further_from_its_end() {
        let mut finder = Finder::default();
        let _ = found(&mut finder, &[(SIZE - 1_000_000, "qemu-arm version 2.0.0\0")]);
        for (size, distance) in
            [(SIZE + 90_000, 1_060_000), (SIZE - 60_000, 960_000), (SIZE + 30_000, 1_020_000)]
        {
            let near = (size - distance, "qemu-arm version 2.0.0\0");
            let first = (size - distance - 30_000, "qemu-arm version 1.0.0\0");
            let version = found_in(size, &mut finder, &[first, near]);
            assert_eq!(version, Some(Version(2, 0, 0)), "{size}");
        }
    }
}
