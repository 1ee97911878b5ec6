//! The limits of what is read: nobody's layout, layer, configuration or helper can make qus read, allocate or wait
//! without end.
//!
//! | input | limit |
//! |---|---|
//! | a document of a layout, its `index.json` and `oci-layout` included | [`DOCUMENT`] bytes |
//! | documents on the way from a tag to a layer | [`DEPTH`] |
//! | references followed in one walk through a layout | [`REFERENCES`] |
//! | documents read in one walk, together | [`DOCUMENTS`] bytes |
//! | a layer, unpacked | [`LAYER`] bytes |
//! | a file in a layer that is looked into | [`FILE`] bytes |
//! | a long name or an extended header in a layer | [`HEADER`] bytes |
//! | a file with credentials, or a docker context | [`CONFIGURATION`] bytes |
//! | the answer of a credential helper | [`ANSWER`] bytes, [`PATIENCE`] |
//!
//! What a registry and an engine send is bounded where it is received.

use std::time::Duration;

/// The most bytes that a document may have: what registries accept for a manifest (4 MiB at most of them). An `index.json`
/// of this size has about 10,000 tags.
pub const DOCUMENT: u64 = 4 << 20;

/// The most documents that may lie on the way from a tag to a layer: indexes, and the image's manifest. Tags of qus need
/// two, `docker buildx` has been seen to make three.
pub const DEPTH: usize = 16;

/// The most references that one walk follows. A full build has about 5,000.
pub const REFERENCES: usize = 1 << 20;

/// The most bytes that the documents which one walk reads may have together. A full build's have 2 MB.
pub const DOCUMENTS: u64 = 256 << 20;

/// The most bytes that a layer may unpack to. The largest, all QEMU binaries, has 483 MB.
pub const LAYER: u64 = 2 << 30;

/// The most bytes that one file of a layer may have to be looked into, since each job holds one in memory. The largest
/// QEMU binary has 18 MB.
pub const FILE: u64 = 64 << 20;

/// The most bytes that a long name or an extended header in a layer's tar may have. Linux has no longer path than 4 KiB.
pub const HEADER: u64 = 64 << 10;

/// The most bytes that a file with credentials or a docker context may have.
pub const CONFIGURATION: u64 = 4 << 20;

/// The most bytes that a credential helper may print. The longest secrets, tokens of cloud registries, have some kilobytes.
pub const ANSWER: u64 = 1 << 20;

/// The time that a credential helper has: it may have to ask the user to unlock a keyring, but in CI nobody answers.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The part of [`REFERENCES`] and [`DOCUMENTS`] that a walk has left.
#[derive(Debug)]
pub(crate) struct Budget {
    references: usize,
    bytes: u64,
}

/// A walk through a layout has come to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// It has more references than [`REFERENCES`].
    #[error("more than {REFERENCES} references")]
    References,
    /// Its documents have more bytes than [`DOCUMENTS`].
    #[error("documents of more than {DOCUMENTS} bytes")]
    Documents,
}

impl Budget {
    pub(crate) fn new() -> Budget {
        Budget { references: REFERENCES, bytes: DOCUMENTS }
    }

    /// Counts one reference.
    pub(crate) fn follow(&mut self) -> Result<(), Exhausted> {
        self.references = self.references.checked_sub(1).ok_or(Exhausted::References)?;
        Ok(())
    }

    /// Counts a document of so many bytes.
    pub(crate) fn read(&mut self, bytes: u64) -> Result<(), Exhausted> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Exhausted::Documents)?;
        Ok(())
    }
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
        let rows = [
            format!("a document of a layout, `index.json` included | {}, in a regular file", size(DOCUMENT)),
            format!("documents on the way from a tag to a layer | {DEPTH}"),
            format!(
                "references that one walk follows, and the documents it reads | {},{:03},{:03}, and {}",
                REFERENCES / 1_000_000,
                REFERENCES / 1_000 % 1_000,
                REFERENCES % 1_000,
                size(DOCUMENTS)
            ),
            format!(
                "a layer, unpacked; a file in it that is looked into; a long name in it | {}; {}; {}",
                size(LAYER),
                size(FILE),
                size(HEADER)
            ),
            format!("a file with credentials, or a docker context | {}", size(CONFIGURATION)),
            format!("a credential helper | {} s, and an answer of {}", PATIENCE.as_secs(), size(ANSWER)),
        ];
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/security.md");
        let text = std::fs::read_to_string(page).unwrap();
        let (_, table) = text.split_once("| what | limit |\n|---|---|\n").unwrap();
        let documented: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
        assert_eq!(documented, rows.map(|row| format!("| {row} |")));
    }

    #[test]
    fn a_budget_ends_after_its_limit() {
        let mut budget = Budget::new();
        for _ in 0..REFERENCES {
            assert_eq!(budget.follow(), Ok(()));
        }
        assert_eq!(budget.follow(), Err(Exhausted::References));
        assert_eq!(budget.read(DOCUMENTS - 1), Ok(()));
        assert_eq!(budget.read(1), Ok(()));
        assert_eq!(budget.read(1), Err(Exhausted::Documents));
        assert_eq!(Exhausted::References.to_string(), "more than 1048576 references");
        assert_eq!(Exhausted::Documents.to_string(), "documents of more than 268435456 bytes");
    }
}
