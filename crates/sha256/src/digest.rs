//! The digest itself: 32 bytes, written `sha256:<64 lowercase hex digits>`.

use std::fmt;
use std::str::FromStr;

/// A SHA-256 digest.
///
/// `Display` and `FromStr` use the form of the OCI image specification (descriptor.md, "Digests"):
/// `sha256:` and 64 lowercase hexadecimal digits. [`Digest::hex`] and [`Digest::from_hex`] use Debian's bare form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    /// The 64 lowercase hexadecimal digits, without a prefix: the name of a blob in a layout, and Debian's form.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Parses 64 lowercase hexadecimal digits without a prefix.
    pub fn from_hex(digits: &str) -> Result<Digest, ParseDigestError> {
        let mut bytes = [0; 32];
        let lowercase = !digits.bytes().any(|b| b.is_ascii_uppercase());
        match hex::decode_to_slice(digits, &mut bytes) {
            Ok(()) if lowercase => Ok(Digest(bytes)),
            _ => Err(ParseDigestError(digits.to_owned())),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(s: &str) -> Result<Digest, ParseDigestError> {
        let digits = s.strip_prefix("sha256:").ok_or_else(|| ParseDigestError(s.to_owned()))?;
        Digest::from_hex(digits).map_err(|_| ParseDigestError(s.to_owned()))
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let s = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        s.parse().map_err(serde::de::Error::custom)
    }
}

/// A string that is not a SHA-256 digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a SHA-256 digest (expected 64 lowercase hexadecimal digits)")]
pub struct ParseDigestError(String);

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-4 test vector for "abc".
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn both_forms_round_trip() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.hex(), ABC);
        assert_eq!(digest.to_string(), format!("sha256:{ABC}"));
        assert_eq!(Digest::from_hex(ABC), Ok(digest));
        assert_eq!(format!("sha256:{ABC}").parse(), Ok(digest));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "sha256:", ABC, &ABC[1..], "sha512:00", &format!("sha256:{}", ABC.to_uppercase())] {
            let error = bad.parse::<Digest>().unwrap_err();
            let expected =
                format!("`{bad}` is not a SHA-256 digest (expected 64 lowercase hexadecimal digits)");
            assert_eq!(error.to_string(), expected);
        }
        assert!(Digest::from_hex(&ABC.to_uppercase()).is_err());
    }
}
