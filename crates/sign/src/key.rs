//! Keys: ECDSA on the curve P-256 with SHA-256 (FIPS 186-5), in the files that OpenSSL and cosign write.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};

/// A private key. It is in no message, and in no `Debug`.
pub struct Key(SigningKey);

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A file that is not the key that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A private key is protected with a password.
    #[error("the key is encrypted")]
    Encrypted,
    /// A public key is where a private one is wanted.
    #[error("this is a public key, which signs nothing")]
    IsPublic,
    /// A private key is where a public one is wanted.
    #[error("this is a private key")]
    IsPrivate,
    /// It is not a private key of the kind that is known.
    #[error("this is no private key in PKCS#8 (`BEGIN PRIVATE KEY`) on the curve P-256")]
    NotPrivate,
    /// It is not a public key of the kind that is known.
    #[error("this is no public key (`BEGIN PUBLIC KEY`) on the curve P-256")]
    NotPublic,
}

/// A signature that is not the key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// It is no signature at all.
    #[error("it is no ECDSA signature in Base64")]
    Form,
    /// It is another key's, or of another text.
    #[error("it is another key's")]
    Other,
}

impl base::Hint for KeyError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            KeyError::Encrypted => {
                "whatever decrypts it can pipe it in, and no copy stays on disk: \
                 openssl pkey -in FILE | cargo xtask sign --key - …"
            }
            KeyError::IsPublic => "`sign` takes the private key, `verify` the public one",
            KeyError::IsPrivate => {
                "`verify` takes the public one: openssl pkey -in FILE -pubout -out qus.pub"
            }
            KeyError::NotPrivate => {
                "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out qus.key makes one"
            }
            KeyError::NotPublic => "openssl pkey -in qus.key -pubout -out qus.pub makes one of a private key",
        };
        Some(hint.to_owned())
    }
}

impl Key {
    /// Reads a private key: PKCS#8 (RFC 5208) as PEM.
    pub fn parse(pem: &str) -> Result<Key, KeyError> {
        match label(pem) {
            Some(label) if label.starts_with("ENCRYPTED ") => return Err(KeyError::Encrypted),
            Some("PUBLIC KEY") => return Err(KeyError::IsPublic),
            _ => {}
        }
        SigningKey::from_pkcs8_pem(pem).map(Key).map_err(|_| KeyError::NotPrivate)
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> PublicKey {
        PublicKey(*self.0.verifying_key())
    }

    /// Signs a text: always the same signature (RFC 6979), in DER (RFC 3279, section 2.2.3) as Base64.
    pub fn sign(&self, text: &[u8]) -> String {
        let signature: Signature = self.0.sign(text);
        STANDARD.encode(signature.to_der())
    }
}

impl PublicKey {
    /// Reads a public key: SubjectPublicKeyInfo (RFC 5480) as PEM.
    pub fn parse(pem: &str) -> Result<PublicKey, KeyError> {
        if label(pem).is_some_and(|label| label.ends_with("PRIVATE KEY")) {
            return Err(KeyError::IsPrivate);
        }
        VerifyingKey::from_public_key_pem(pem).map(PublicKey).map_err(|_| KeyError::NotPublic)
    }

    /// Fails unless `signature`, in DER as Base64, is this key's of `text`.
    pub fn verify(&self, text: &[u8], signature: &str) -> Result<(), BadSignature> {
        let der = STANDARD.decode(signature).map_err(|_| BadSignature::Form)?;
        let signature = Signature::from_der(&der).map_err(|_| BadSignature::Form)?;
        self.0.verify(text, &signature).map_err(|_| BadSignature::Other)
    }
}

/// The label of a PEM file (RFC 7468).
fn label(pem: &str) -> Option<&str> {
    pem.trim_start().strip_prefix("-----BEGIN ")?.split_once("-----").map(|(label, _)| label)
}

#[cfg(test)]
impl Key {
    /// The key of RFC 6979, appendix A.2.5.
    pub(crate) fn known() -> Key {
        let secret = hex::decode("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
        Key(SigningKey::from_slice(&secret.unwrap()).unwrap())
    }

    /// Another one.
    pub(crate) fn other() -> Key {
        Key(SigningKey::from_slice(&[7; 32]).unwrap())
    }
}

#[cfg(test)]
mod tests {
    use p256::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};

    use super::*;

    #[test]
    fn signatures_are_those_of_rfc_6979() {
        for (text, r, s) in [
            (
                "sample",
                "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
                "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
            ),
            (
                "test",
                "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
                "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
            ),
        ] {
            let signature = Key::known().sign(text.as_bytes());
            let parsed = Signature::from_der(&STANDARD.decode(&signature).unwrap()).unwrap();
            assert_eq!(hex::encode(parsed.to_bytes()), format!("{r}{s}"));
            let public = Key::known().public();
            assert_eq!(public.verify(text.as_bytes(), &signature), Ok(()));
            assert_eq!(public.verify(b"another", &signature), Err(BadSignature::Other));
            assert_eq!(public.verify(text.as_bytes(), &signature[4..]), Err(BadSignature::Form));
        }
        assert_eq!(Key::known().public().verify(b"", "ü"), Err(BadSignature::Form));
        assert_eq!(Key::known().public().verify(b"x", &Key::other().sign(b"x")), Err(BadSignature::Other));
    }

    #[test]
    fn keys_are_read_from_files() {
        let private = Key::known().0.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
        let public = Key::known().0.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
        assert_eq!(Key::parse(&private).unwrap().public(), Key::known().public());
        assert_eq!(PublicKey::parse(&public), Ok(Key::known().public()));
        let encrypted = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END";
        for (pem, expected) in [
            (encrypted, KeyError::Encrypted),
            (&public, KeyError::IsPublic),
            ("", KeyError::NotPrivate),
            ("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", KeyError::NotPrivate),
        ] {
            assert_eq!(Key::parse(pem).map(|_| ()), Err(expected), "{pem}");
        }
        for (pem, expected) in [
            (&private[..], KeyError::IsPrivate),
            (encrypted, KeyError::IsPrivate),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", KeyError::NotPublic),
        ] {
            assert_eq!(PublicKey::parse(pem), Err(expected), "{pem}");
        }
    }
}
