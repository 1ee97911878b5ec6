//! The largest inputs that this crate reads: every bound on size, count and memory, in one place.
//!
//! Each is several times what Debian has today, so that growth does not reach it, and small enough that a hostile mirror, package
//! or file costs no more than a good one. Nothing in this crate recurses over its input, so there is no bound on depth but the
//! TOML parser's own.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The bytes of an `InRelease`. Today's have 190 kB.
pub const INRELEASE: usize = 4 << 20;
/// The bytes of an `InRelease`'s headers and signatures together. Today's three signatures have 2.5 kB.
pub const SIGNATURES: usize = 64 << 10;
/// The signatures on one `InRelease`: each costs a hash over the whole text.
pub const SIGNATURE_COUNT: usize = 16;
/// The bytes of one file of certificates. Debian's largest has 32 kB.
pub const KEYRING: u64 = 4 << 20;

/// The bytes of a `Packages` or a `Sources`, decoded. Today's largest have 56 and 70 MB.
pub const PACKAGES: u64 = 1 << 30;
/// The bytes of one stanza of these, and so of one line. Today's largest have some 100 kB, and 290 kB in `Sources`.
pub const STANZA: usize = 1 << 20;
/// The characters of a version. Comparing long runs of digits takes time quadratic in their length.
pub const VERSION: usize = 256;

/// The bytes that a package's `data.tar` unpacks to. The largest real one, sid's `qemu-user`, has 484 MB.
pub const DATA: u64 = 1 << 30;
/// The bytes that a package's `control.tar` unpacks to.
pub const CONTROL: u64 = 4 << 20;
/// The entries of one tar in a package.
pub const ENTRIES: usize = 100_000;
/// The bytes of one path in a package: Linux's `PATH_MAX`.
pub const PATH: u64 = 4096;
/// The bytes of one program in a package. QEMU's have 13 to 18 MB.
pub const PROGRAM: u64 = 64 << 20;
/// The bytes of a package's copyright file. QEMU's have 31 kB.
pub const COPYRIGHT: u64 = 4 << 20;
/// The memory of one xz decoder, in bytes. Debian's packages are made with dictionaries of 8 MB, and could be with up to 64 MB.
pub const XZ_MEMORY: u64 = 96 << 20;

/// The bytes of a lock. Today's has 40 kB.
pub const LOCK: u64 = 16 << 20;
/// The bytes of one of apt's source files.
pub const APT_SOURCES: u64 = 1 << 20;

/// A reader was about to give more than its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {0} bytes")]
pub struct TooLarge(pub u64);

/// A reader that fails with [`TooLarge`] once it has given more than its bound.
#[derive(Debug)]
pub(crate) struct Bounded<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R> Bounded<R> {
    pub(crate) fn new(inner: R, limit: u64) -> Bounded<R> {
        Bounded { inner, left: limit, limit }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| io::Error::other(TooLarge(self.limit)))?;
        Ok(n)
    }
}

/// Reads the file at `path`, of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Bounded::new(File::open(path)?, limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the text file at `path`, of at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let text = String::from_utf8(read(path, limit)?);
    text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_these_limits() {
        let size = |bytes: u64| match bytes.trailing_zeros() {
            30.. => format!("{} GiB", bytes >> 30),
            20.. => format!("{} MiB", bytes >> 20),
            _ => format!("{} KiB", bytes >> 10),
        };
        let [inrelease, signatures, stanza] = [INRELEASE, SIGNATURES, STANZA].map(|bytes| size(bytes as u64));
        let rows = [
            format!(
                "`InRelease` | {inrelease}; headers and signatures {signatures}, {SIGNATURE_COUNT} signatures"
            ),
            format!("a file of `images/keyrings` | {}", size(KEYRING)),
            format!(
                "`Packages` or `Sources`, decoded | {}; a stanza or line {stanza}, a version {VERSION} characters",
                size(PACKAGES)
            ),
            format!(
                "a package's `data.tar`, decoded | {} in {ENTRIES} files; a path {}, a program {}",
                size(DATA),
                size(PATH),
                size(PROGRAM)
            ),
            format!("a package's `control.tar`, decoded | {}", size(CONTROL)),
            format!("an xz decoder's memory | {}", size(XZ_MEMORY)),
            format!("`images/debian.lock` | {}", size(LOCK)),
            format!("a file of apt's sources | {}", size(APT_SOURCES)),
        ];
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/security.md");
        let text = std::fs::read_to_string(page).unwrap();
        let (_, table) = text.split_once("| input | limit |\n|---|---|\n").unwrap();
        let documented: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
        assert_eq!(documented, rows.map(|row| format!("| {row} |")));
    }

    #[test]
    fn a_bounded_reader_ends_at_its_bound_and_fails_one_above() {
        let read = |size: usize| io::copy(&mut Bounded::new(&vec![1; size][..], 70_000), &mut io::sink());
        assert_eq!(read(70_000).unwrap(), 70_000);
        let error = read(70_001).unwrap_err();
        assert_eq!(error.to_string(), "more than 70000 bytes");
    }

    #[test]
    fn a_file_without_an_end_is_given_up() {
        let error = read(Path::new("/dev/zero"), 1 << 20).unwrap_err();
        assert_eq!(error.to_string(), "more than 1048576 bytes");
    }
}
