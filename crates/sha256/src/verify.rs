//! The reader that reaches its end only if what it read is what was expected.

use std::io::{self, Read};

use crate::{Digest, Hasher};

/// The reason why the bytes read are not the bytes expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The source ended early.
    #[error("expected {expected} bytes, got only {actual}")]
    Short {
        /// The size promised.
        expected: u64,
        /// The size read.
        actual: u64,
    },
    /// The source goes on after the promised size; the rest was not read.
    #[error("expected {expected} bytes, got more")]
    Long {
        /// The size promised.
        expected: u64,
    },
    /// Right size, other bytes.
    #[error("expected {expected}, got {actual}")]
    Digest {
        /// The digest promised.
        expected: Digest,
        /// The digest of what was read.
        actual: Digest,
    },
}

/// Reads `inner` and hashes it; the end (`Ok(0)`) is reported only if exactly the promised number of bytes with
/// the promised digest was read. Otherwise the read fails with [`io::ErrorKind::InvalidData`] around a
/// [`VerifyError`], and so does every read after it.
pub struct VerifyReader<R> {
    inner: R,
    hasher: Option<Hasher>,
    size: u64,
    digest: Digest,
    verdict: Option<VerifyError>,
}

impl<R: Read> VerifyReader<R> {
    /// Expects `size` bytes with `digest` from `inner`.
    pub fn new(inner: R, size: u64, digest: Digest) -> VerifyReader<R> {
        VerifyReader { inner, hasher: Some(Hasher::new()), size, digest, verdict: None }
    }

    fn fail(&mut self, error: VerifyError) -> io::Error {
        self.verdict = Some(error);
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

impl<R: Read> Read for VerifyReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.verdict {
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        // `None`: the end was reached and found right.
        let Some(hasher) = &mut self.hasher else { return Ok(0) };
        if buffer.is_empty() {
            return Ok(0);
        }
        let n = self.inner.read(buffer)?;
        hasher.update(&buffer[..n]);
        let actual = hasher.size();
        if actual > self.size {
            return Err(self.fail(VerifyError::Long { expected: self.size }));
        }
        if n == 0 {
            if actual < self.size {
                return Err(self.fail(VerifyError::Short { expected: self.size, actual }));
            }
            let actual = self.hasher.take().map_or(self.digest, Hasher::finish);
            if actual != self.digest {
                return Err(self.fail(VerifyError::Digest { expected: self.digest, actual }));
            }
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], size: u64, of: &[u8], expected: Result<(), VerifyError>) {
        let mut reader = VerifyReader::new(bytes, size, Digest::of(of));
        let mut out = Vec::new();
        let actual = reader.read_to_end(&mut out).map(drop).map_err(|error| {
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            *error.get_ref().and_then(|inner| inner.downcast_ref()).unwrap()
        });
        assert_eq!(actual, expected);
        if expected.is_err() {
            assert!(reader.read(&mut [0; 8]).is_err(), "an error must not turn into an end");
        } else {
            assert_eq!(out, bytes);
        }
    }

    #[test]
    fn reaches_the_end_only_with_the_right_bytes() {
        check(b"abc", 3, b"abc", Ok(()));
        check(b"", 0, b"", Ok(()));
        check(b"ab", 3, b"abc", Err(VerifyError::Short { expected: 3, actual: 2 }));
        check(b"abcd", 3, b"abc", Err(VerifyError::Long { expected: 3 }));
        check(
            b"abd",
            3,
            b"abc",
            Err(VerifyError::Digest { expected: Digest::of(b"abc"), actual: Digest::of(b"abd") }),
        );
    }
}
