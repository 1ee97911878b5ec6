//! A comparison of two files' contents.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// True if the open file and the one at `path` are the same or equal; `false` where that cannot be known.
pub(crate) fn same_content(open: &mut File, path: &Path) -> bool {
    let Ok(mut other) = File::open(path) else { return false };
    let (Ok(one), Ok(two)) = (open.metadata(), other.metadata()) else { return false };
    if (one.dev(), one.ino()) == (two.dev(), two.ino()) {
        return true;
    }
    one.len() == two.len() && open.rewind().is_ok() && same_bytes(open, &mut other).unwrap_or(false)
}

fn same_bytes(one: &mut File, two: &mut File) -> std::io::Result<bool> {
    const CHUNK: u64 = 1 << 17;
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        one.take(CHUNK).read_to_end(&mut left)?;
        two.take(CHUNK).read_to_end(&mut right)?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_the_same_and_a_last_byte_tells() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mut bytes = vec![7; 300_000];
        std::fs::write(path("a"), &bytes).unwrap();
        std::fs::write(path("b"), &bytes).unwrap();
        bytes[299_999] = 8;
        std::fs::write(path("c"), &bytes).unwrap();
        let mut a = File::open(path("a")).unwrap();
        assert!(same_content(&mut a, &path("a")));
        assert!(same_content(&mut a, &path("b")));
        assert!(!same_content(&mut a, &path("c")));
        assert!(!same_content(&mut a, &path("missing")));
    }
}
