//! Hashing: by hand, or while writing.

use std::io::{self, Write};

use sha2::Digest as _;

use crate::Digest;

/// An incremental SHA-256 that also counts bytes.
#[derive(Clone, Default)]
pub struct Hasher {
    state: sha2::Sha256,
    size: u64,
}

impl Hasher {
    /// An empty hasher.
    pub fn new() -> Hasher {
        Hasher::default()
    }

    /// Takes `bytes` in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// The number of bytes that were taken in.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest of everything taken in.
    pub fn finish(self) -> Digest {
        Digest::from_bytes(self.state.finalize().into())
    }
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher.finish()
    }
}

/// A writer that hashes what the writer under it accepted.
pub struct HashWriter<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> HashWriter<W> {
    /// Wraps `inner`.
    pub fn new(inner: W) -> HashWriter<W> {
        HashWriter { inner, hasher: Hasher::new() }
    }

    /// The writer, the digest and the number of bytes written to it.
    pub fn finish(self) -> (W, Digest, u64) {
        let size = self.hasher.size();
        (self.inner, self.hasher.finish(), size)
    }
}

impl<W: Write> Write for HashWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts three bytes at a time, as a pipe may.
    struct Short(Vec<u8>);

    impl Write for Short {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(3);
            self.0.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_accepted_bytes_are_hashed() {
        let mut writer = HashWriter::new(Short(Vec::new()));
        writer.write_all(b"hello world").unwrap();
        let (Short(bytes), digest, size) = writer.finish();
        assert_eq!(bytes, b"hello world");
        assert_eq!(digest, Digest::of(b"hello world"));
        assert_eq!(size, 11);
    }
}
