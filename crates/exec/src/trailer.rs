//! The end of a program file that holds a QEMU: `run`, the bytes of QEMU's ELF file, and these 64 bytes.

use arch::{Target, UnknownName};

/// The first 8 bytes of the 64. The last is the form's version.
const MAGIC: &[u8; 8] = b"QUSRUN\0\x01";
/// The bytes for the target's name, padded with NUL.
const NAME: usize = 40;

/// The place of a QEMU in a program file. Numbers are little-endian on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailer {
    /// The first byte of QEMU's ELF file.
    pub offset: u64,
    /// The number of its bytes.
    pub length: u64,
    /// The target whose programs it runs.
    pub target: Target,
}

/// An end of a file that is a trailer, but not one that this program can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTrailer {
    /// The QEMU would not lie between the program and the trailer.
    #[error("bytes {offset} to {offset}+{length} are not within the file")]
    Outside {
        /// The first byte.
        offset: u64,
        /// The number of bytes.
        length: u64,
    },
    /// The name is no target's.
    #[error(transparent)]
    Target(UnknownName),
}

impl Trailer {
    /// The number of bytes at the end of a file.
    pub const SIZE: usize = 64;

    /// The bytes to append.
    pub fn to_bytes(&self) -> [u8; Trailer::SIZE] {
        let mut bytes = [0; Trailer::SIZE];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.length.to_le_bytes());
        let name = self.target.name().as_bytes();
        bytes[24..24 + name.len()].copy_from_slice(name);
        bytes
    }

    /// Reads the last bytes of a file of `size` bytes; `None` if the file ends in something else.
    ///
    /// # Errors
    /// [`BadTrailer`], if it is a trailer that leads nowhere.
    pub fn parse(end: &[u8; Trailer::SIZE], size: u64) -> Result<Option<Trailer>, BadTrailer> {
        if !end.starts_with(MAGIC) {
            return Ok(None);
        }
        let number = |at: usize| {
            end[at..at + 8].iter().rev().fold(0, |number: u64, byte| number << 8 | u64::from(*byte))
        };
        let (offset, length) = (number(8), number(16));
        let last = offset.checked_add(length).and_then(|end| end.checked_add(Trailer::SIZE as u64));
        if length == 0 || last != Some(size) {
            return Err(BadTrailer::Outside { offset, length });
        }
        let name = &end[24..];
        let name = &name[..name.iter().position(|byte| *byte == 0).unwrap_or(NAME)];
        let target = String::from_utf8_lossy(name).parse().map_err(BadTrailer::Target)?;
        Ok(Some(Trailer { offset, length, target }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Target {
        name.parse().unwrap()
    }

    #[test]
    fn every_targets_name_has_room() {
        for target in Target::all() {
            let trailer = Trailer { offset: 500, length: 1000, target };
            assert_eq!(Trailer::parse(&trailer.to_bytes(), 1564), Ok(Some(trailer)), "{target}");
        }
    }

    #[test]
    fn the_bytes_are_the_same_on_every_machine() {
        let bytes = Trailer { offset: 0x01_0203, length: 0x0405, target: target("arm") }.to_bytes();
        let mut expected = b"QUSRUN\0\x01\x03\x02\x01\0\0\0\0\0\x05\x04\0\0\0\0\0\0arm".to_vec();
        expected.resize(64, 0);
        assert_eq!(bytes.as_slice(), expected);
    }

    #[test]
    fn other_ends_and_damaged_ones() {
        let good = Trailer { offset: 10, length: 20, target: target("s390x") }.to_bytes();
        assert_eq!(Trailer::parse(&[0; 64], 94), Ok(None));
        // Another version.
        let mut newer = good;
        newer[7] = 2;
        assert_eq!(Trailer::parse(&newer, 94), Ok(None));
        // A file that was cut, or that something was appended to.
        for size in [0, 93, 95, u64::MAX] {
            let outside = BadTrailer::Outside { offset: 10, length: 20 };
            assert_eq!(Trailer::parse(&good, size), Err(outside), "{size}");
        }
        for (at, name) in [(8, "offset"), (16, "length")] {
            let mut huge = good;
            huge[at..at + 8].fill(0xff);
            assert!(Trailer::parse(&huge, 94).is_err(), "{name}");
        }
        let mut named = good;
        named[24..].fill(b'x');
        let error = Trailer::parse(&named, 94).unwrap_err().to_string();
        assert_eq!(error, format!("unknown target `{}`", "x".repeat(40)));
    }
}
