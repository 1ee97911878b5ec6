//! The reason why a signature does not count.

use std::fmt;

/// The reason why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejected {
    /// Nobody in the keyring made it; the issuer that it names, if any.
    UnknownKey(Option<String>),
    /// The key is past its end.
    ExpiredKey(String),
    /// The signature itself is past its end.
    ExpiredSignature(String),
    /// The signature was made before its key, or in the future.
    Untimely(String),
    /// The key was revoked.
    RevokedKey(String),
    /// The key is not for signing.
    NotForSigning(String),
    /// The key is too weak.
    WeakKey(String),
    /// The hash algorithm is too weak.
    WeakHash(String),
    /// Not a signature over a text or a document.
    WrongSort(String),
    /// It has a critical subpacket that is not understood.
    Demands(String),
    /// The key did not make it over this text.
    Bad(String),
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejected::UnknownKey(Some(key)) => write!(f, "key {key} is not in the keyring"),
            Rejected::UnknownKey(None) => f.write_str("it names no key"),
            Rejected::ExpiredKey(key) => write!(f, "key {key} has expired"),
            Rejected::ExpiredSignature(key) => write!(f, "the signature of key {key} has expired"),
            Rejected::Untimely(key) => {
                write!(f, "the signature of key {key} is dated outside the key's life")
            }
            Rejected::RevokedKey(key) => write!(f, "key {key} is revoked"),
            Rejected::NotForSigning(key) => write!(f, "key {key} is not for signing"),
            Rejected::WeakKey(key) => write!(f, "key {key} is too weak"),
            Rejected::WeakHash(hash) => write!(f, "hash {hash} is too weak"),
            Rejected::WrongSort(key) => write!(f, "the signature of key {key} is not over a document"),
            Rejected::Demands(key) => {
                write!(f, "the signature of key {key} makes a critical demand that is not understood")
            }
            Rejected::Bad(key) => write!(f, "key {key} did not sign this text"),
        }
    }
}
