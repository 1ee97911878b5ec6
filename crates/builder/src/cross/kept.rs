//! Built binaries in the cache: each has its digest beside it, and counts only while the two agree.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use files::Options;
use sha256::Digest;

/// A binary that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// The file's content.
    pub(super) bytes: Vec<u8>,
    /// That of `bytes`.
    pub(super) digest: Digest,
}

/// Reads the binary at `path`; `None` if it is not there or not as it was kept.
pub(super) fn read(path: &Path) -> Option<Kept> {
    let bytes = fs::read(path).ok()?;
    let expected = fs::read_to_string(beside(path)).ok()?;
    let digest = Digest::of(&bytes);
    (digest.hex() == expected).then_some(Kept { bytes, digest })
}

/// True if every binary in `folder` is as it was kept.
pub(super) fn is_sound(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none() && read(&path).is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Copies the binary, and then puts its digest beside it.
pub(super) fn write(from: &Path, to: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    files::write_with(to, &bytes, Options { mode: 0o755, ..Options::default() })?;
    files::write(&beside(to), &Digest::of(&bytes).hex())?;
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    path.with_added_extension("sha256")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_that_changed_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let (built, kept) = (dir.path().join("built"), dir.path().join("kept"));
        fs::create_dir(&kept).unwrap();
        fs::write(&built, b"\x7fELF and so on").unwrap();
        let path = kept.join("amd64");
        assert_eq!(read(&path), None);
        write(&built, &path).unwrap();
        let binary = read(&path).unwrap();
        assert_eq!((&*binary.bytes, binary.digest), (&b"\x7fELF and so on"[..], Digest::of(&binary.bytes)));
        assert!(is_sound(&kept).unwrap());
        fs::write(&path, b"\x7fELF and so oN").unwrap();
        assert_eq!(read(&path), None);
        assert!(!is_sound(&kept).unwrap());
        // Made again, it counts again.
        write(&built, &path).unwrap();
        assert!(read(&path).is_some() && is_sound(&kept).unwrap());
        fs::remove_file(beside(&path)).unwrap();
        assert_eq!(read(&path), None);
    }
}
