//! A layer as one zstd frame: a tar, written from its first byte to its last.
//!
//! A frame is compressed on the caller's thread: with threads of its own, zstd cuts the content into jobs, which takes
//! more memory and, since the binaries of a layer share most of their code, gives 1.6 times the size.

use std::io::{self, Write};

use sha256::HashWriter;
use zstd::stream::write::Encoder;
use zstd::zstd_safe::CParameter;

use crate::entry::{END_OF_ARCHIVE, Entry, padding};
use crate::layer::{Layer, LayerError, Tar};
use crate::spec::{Descriptor, media_type};

/// The parameters of a frame's compression. Part of the digest contract: another frame, other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Frame {
    /// For many binaries that share code: matches reach back over 128 MiB, the most that every reader accepts.
    Long,
    /// For one file, in the time that gzip takes.
    Quick,
    /// For one file: 12 % smaller, in sixteen times the time.
    Best,
}

impl Frame {
    /// All of them.
    pub const ALL: [Frame; 3] = [Frame::Long, Frame::Quick, Frame::Best];

    fn encoder<W: Write>(self, out: W) -> io::Result<Encoder<'static, W>> {
        let (level, parameters): (i32, &[CParameter]) = match self {
            // Higher levels find little more in there: 15 gains 2 % in four times the time, 16 gains 9 % in twelve.
            Frame::Long => (9, &[CParameter::EnableLongDistanceMatching(true), CParameter::WindowLog(27)]),
            Frame::Quick => (9, &[]),
            // 19 takes half as long again for 1 % less.
            Frame::Best => (18, &[]),
        };
        let mut encoder = Encoder::new(out, level)?;
        for parameter in parameters {
            encoder.set_parameter(*parameter)?;
        }
        Ok(encoder)
    }
}

/// Writes a layer's frame to `W` while hashing it and the tar that it holds.
pub struct FrameWriter<W: Write> {
    out: Encoder<'static, HashWriter<W>>,
    tar: Tar,
}

impl<W: Write> FrameWriter<W> {
    /// Starts an empty layer.
    pub fn new(out: W, frame: Frame) -> io::Result<FrameWriter<W>> {
        Ok(FrameWriter { out: frame.encoder(HashWriter::new(out))?, tar: Tar::new() })
    }

    /// Adds an entry that has no content: a directory, a symbolic link or an empty file.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), LayerError> {
        self.file(entry, &[])
    }

    /// Adds a file: its header and its content.
    pub fn file(&mut self, entry: &Entry, content: &[u8]) -> Result<(), LayerError> {
        self.tar.check(entry, content.len() as u64)?;
        for part in [entry.header().as_slice(), content, padding(entry.size())] {
            self.write(part)?;
        }
        Ok(())
    }

    /// Ends the archive; gives the writer back, not flushed, with what was written to it.
    pub fn finish(mut self) -> Result<(W, Layer), LayerError> {
        self.write(&END_OF_ARCHIVE)?;
        let (out, digest, size) = self.out.finish()?.finish();
        let (diff_id, unpacked_size) = self.tar.finish();
        let descriptor = Descriptor::new(media_type::LAYER_ZSTD, digest, size);
        Ok((out, Layer { descriptor, diff_id, unpacked_size }))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tar.hash(bytes);
        self.out.write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(size: u32) -> Vec<u8> {
        (0..size).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect()
    }

    fn layer(frame: Frame) -> (Vec<u8>, Layer) {
        let mut layer = FrameWriter::new(Vec::new(), frame).unwrap();
        layer.entry(&Entry::directory("usr", 0o755, 0).unwrap()).unwrap();
        for (path, size) in [("usr/a", 70_000), ("usr/b", 5)] {
            let content = sample(size);
            layer.file(&Entry::file(path, content.len() as u64, 0o755, 0).unwrap(), &content).unwrap();
        }
        layer.finish().unwrap()
    }

    /// These bytes are part of layers' digests: a library that writes others must not slip in.
    #[test]
    fn frames_are_pinned() {
        for (frame, expected) in [
            (Frame::Long, "58a051ca85748acec73aa002841f0718b6cc37eaf82c13863d436dfc1305e210"),
            (Frame::Quick, "681dd0f2a7f52a372626bc154d9d7333769032afcb7b611639336e983eeb2f08"),
            (Frame::Best, "76996ee0894db4416cef9cc4b26e8230fed603c6b44b7b162388ecb8aaeeb8d9"),
        ] {
            let (bytes, layer) = layer(frame);
            assert_eq!(layer.descriptor.digest, sha256::Digest::of(&bytes));
            assert_eq!(layer.descriptor.digest.hex(), expected, "{frame:?}");
        }
    }

    #[test]
    fn a_frame_holds_the_same_tar_as_members_do() {
        let mut members = crate::LayerWriter::new(Vec::new());
        members.entry(&Entry::directory("usr", 0o755, 0).unwrap()).unwrap();
        for (path, size) in [("usr/a", 70_000), ("usr/b", 5)] {
            let content = sample(size);
            let entry = Entry::file(path, content.len() as u64, 0o755, 0).unwrap();
            let member = crate::Member::content(&content, crate::Level::FAST);
            members.file(&entry, &content, &member).unwrap();
        }
        let (_, members) = members.finish().unwrap();
        for frame in Frame::ALL {
            let (bytes, layer) = layer(frame);
            let tar = zstd::decode_all(bytes.as_slice()).unwrap();
            assert_eq!(layer.diff_id, sha256::Digest::of(&tar));
            assert_eq!((layer.diff_id, layer.unpacked_size), (members.diff_id, members.unpacked_size));
            assert_eq!(layer.descriptor.media_type, media_type::LAYER_ZSTD);
        }
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let mut layer = FrameWriter::new(Vec::new(), Frame::Quick).unwrap();
        let entry = Entry::file("a", 3, 0o644, 0).unwrap();
        let error = layer.file(&entry, b"ab").unwrap_err().to_string();
        assert_eq!(error, "cannot add `a` to a layer: its header says 3 bytes, its content has 2");
        layer.file(&entry, b"abc").unwrap();
        let error = layer.file(&entry, b"abc").unwrap_err().to_string();
        assert_eq!(error, "cannot add `a` to a layer: it is there already");
    }
}
