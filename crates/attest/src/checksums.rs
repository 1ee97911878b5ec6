//! The checksums of a file.

use serde::{Deserialize, Serialize};
use sha1::Digest as _;
use sha256::{Digest, Hasher};

/// A SHA-1 checksum. It proves nothing any more; SPDX 2.3 asks for one of each file (clause 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha1([u8; 20]);

impl Sha1 {
    /// The checksum of `bytes`.
    pub fn of(bytes: &[u8]) -> Sha1 {
        Sha1(sha1::Sha1::digest(bytes).into())
    }

    /// The 40 lowercase hexadecimal digits.
    pub fn hex(self) -> String {
        hex::encode(self.0)
    }
}

impl From<Sha1> for String {
    fn from(sha1: Sha1) -> String {
        sha1.hex()
    }
}

impl TryFrom<String> for Sha1 {
    type Error = hex::FromHexError;

    fn try_from(digits: String) -> Result<Sha1, hex::FromHexError> {
        let mut bytes = [0; 20];
        hex::decode_to_slice(&digits, &mut bytes).map(|()| Sha1(bytes))
    }
}

/// Both checksums of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksums {
    /// The one that SPDX asks for.
    pub sha1: Sha1,
    /// The one that counts.
    pub sha256: Digest,
}

impl Checksums {
    /// The checksums of a file that consists of `pieces`.
    pub fn of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Checksums {
        let (mut sha1, mut sha256) = (sha1::Sha1::new(), Hasher::new());
        for piece in pieces {
            sha1.update(piece);
            sha256.update(piece);
        }
        Checksums { sha1: Sha1(sha1.finalize().into()), sha256: sha256.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_one_file() {
        // FIPS 180-4's test vectors for "abc".
        let expected = Checksums {
            sha1: Sha1::try_from("a9993e364706816aba3e25717850c26c9cd0d89d".to_owned()).unwrap(),
            sha256: "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
                .parse()
                .unwrap(),
        };
        assert_eq!(Checksums::of([&b"a"[..], b"", b"bc"]), expected);
        assert_eq!(Sha1::of(b"abc"), expected.sha1);
        let json = serde_json::to_string(&expected).unwrap();
        assert_eq!(serde_json::from_str::<Checksums>(&json).unwrap(), expected);
        for digits in ["", "a9993e", "a9993e364706816aba3e25717850c26c9cd0d89x"] {
            assert!(Sha1::try_from(digits.to_owned()).is_err(), "{digits}");
        }
    }
}
