//! A gzip member: one compressed piece of a layer.
//!
//! Gzip files may be concatenated (RFC 1952, section 2.2), so a layer is put together from members, and the
//! member that holds a binary is made once and used by every layer and tarball that holds the binary.

use libdeflater::{CompressionLvl, Compressor, Crc, Decompressor};

use crate::entry::padding;

/// The level of compression, from 1 to 12. Part of the digest contract: another level, other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

impl Level {
    /// The fastest.
    pub const FAST: Level = Level(1);
    /// A third of the time of zlib's default, for the same size.
    pub const DEFAULT: Level = Level(6);
    /// The smallest.
    pub const BEST: Level = Level(12);

    /// `None` unless `level` is from 1 to 12.
    pub fn new(level: u8) -> Option<Level> {
        (Level::FAST.0..=Level::BEST.0).contains(&level).then_some(Level(level))
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// A whole gzip member, with the sums that say what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    bytes: Vec<u8>,
    sums: Checksums,
}

/// The end of a gzip member (RFC 1952, section 2.3): the CRC-32 of what it holds, and its size modulo 2^32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Checksums {
    crc32: u32,
    size: u32,
}

/// The beginning of each member: magic, deflate, no flags, no time.
pub(crate) const MAGIC: [u8; 8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
/// The beginning, level and unknown system (2), the shortest deflate stream (2) and the two sums (8).
pub(crate) const SHORTEST: usize = 20;

impl Member {
    /// Compresses `bytes` into one member. Its header holds neither time nor name nor system.
    pub fn compress(bytes: &[u8], level: Level) -> Member {
        let level = CompressionLvl::new(i32::from(level.0)).expect("`Level` is in the library's range");
        let mut compressor = Compressor::new(level);
        let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
        let size = compressor.gzip_compress(bytes, &mut out).expect("the bound is the library's own");
        out.truncate(size);
        out.shrink_to_fit();
        let sums = Checksums::of(&out);
        Member { bytes: out, sums }
    }

    /// Compresses a file's content with the padding that tar puts behind it: what [`crate::LayerWriter::file`]
    /// takes.
    pub fn content(content: &[u8], level: Level) -> Member {
        match padding(content.len() as u64) {
            [] => Member::compress(content, level),
            zeros => Member::compress(&[content, zeros].concat(), level),
        }
    }

    /// A copy of a member that a layer holds of a file of `size` bytes, and the file's content with its padding; `None` if
    /// `bytes` are no such member.
    pub(crate) fn unpack(bytes: &[u8], size: u64) -> Option<(Member, Vec<u8>)> {
        if !is_member_of(bytes, size) {
            return None;
        }
        let sums = Checksums::of(bytes);
        let mut content = vec![0; sums.size as usize];
        // It compares the sums.
        let written = Decompressor::new().gzip_decompress(bytes, &mut content).ok()?;
        (written == content.len()).then(|| (Member { bytes: bytes.to_vec(), sums }, content))
    }

    /// The compressed bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// True if this member's sums are those of `content` and its padding.
    pub fn holds(&self, content: &[u8]) -> bool {
        if !self.sums.has_size_of(content.len() as u64) {
            return false;
        }
        let mut crc = Crc::new();
        crc.update(content);
        crc.update(padding(content.len() as u64));
        self.sums.crc32 == crc.sum()
    }
}

/// True if `bytes` look like a member that [`Member::compress`] has made of `size` bytes and their padding.
pub(crate) fn is_member_of(bytes: &[u8], size: u64) -> bool {
    bytes.len() >= SHORTEST && bytes.starts_with(&MAGIC) && Checksums::of(bytes).has_size_of(size)
}

impl Checksums {
    /// True if the size is that of a content of `size` bytes and its padding.
    fn has_size_of(self, size: u64) -> bool {
        self.size == (size + padding(size).len() as u64) as u32
    }

    fn of(member: &[u8]) -> Checksums {
        let (_, tail) = member.split_last_chunk::<8>().expect("a member is longer than its sums");
        let [c0, c1, c2, c3, s0, s1, s2, s3] = *tail;
        Checksums { crc32: u32::from_le_bytes([c0, c1, c2, c3]), size: u32::from_le_bytes([s0, s1, s2, s3]) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use sha256::Digest;

    use super::*;

    fn inflate(member: &Member) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(member.bytes()).read_to_end(&mut out).unwrap();
        out
    }

    fn sample() -> Vec<u8> {
        (0u32..5000).flat_map(|n| (n * n).to_le_bytes()).collect()
    }

    #[test]
    fn every_level_gives_the_bytes_back() {
        assert_eq!((Level::new(0), Level::new(13)), (None, None));
        assert!(!is_member_of(b"neither short nor a member", 0));
        for level in (1..=12).map(|n| Level::new(n).unwrap()) {
            for bytes in [&b""[..], b"a", &sample()] {
                let member = Member::compress(bytes, level);
                assert_eq!(inflate(&member), bytes, "{level:?}");
                let size = bytes.len() as u64;
                assert_eq!(is_member_of(member.bytes(), size), size.is_multiple_of(512), "{level:?}");
            }
        }
    }

    /// These bytes are part of every layer's digest: a library that writes others must not slip in.
    #[test]
    fn compressed_bytes_are_pinned() {
        for (level, expected) in [
            (Level::FAST, "e54d75d83a5bdf1815a4687ed698fdcbc5a6aa38b3793247903e38ba22af1e72"),
            (Level::DEFAULT, "cd860cb192af699658877a63df36689b50617e7fa4daa768495dc5cc8cbe33b6"),
            (Level::BEST, "7d81f52d51add741c6d2a4efaaae879af87419d2f9f93486270d811eee318897"),
        ] {
            assert_eq!(Digest::of(Member::compress(&sample(), level).bytes()).hex(), expected, "{level:?}");
        }
        let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
        assert!(Member::compress(b"", Level::BEST).bytes().starts_with(&header));
    }

    #[test]
    fn content_is_padded_and_recognised() {
        for size in [0, 1, 511, 512, 513, 5000] {
            let content = &sample()[..size];
            let member = Member::content(content, Level::DEFAULT);
            let inflated = inflate(&member);
            assert_eq!((inflated.len() % 512, &inflated[..size]), (0, content));
            assert!(member.holds(content));
            assert!(!member.holds(&[content, b"x"].concat()));
            // The sample begins with a zero.
            assert!(size == 0 || !member.holds(&[b"x", &content[1..]].concat()));
        }
    }
}
