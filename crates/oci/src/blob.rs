//! Bytes under their digest.

use serde::Serialize;
use sha256::Digest;

use crate::spec::Descriptor;

/// A document's bytes, with the descriptor that points to them. The two always agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    bytes: Vec<u8>,
    descriptor: Descriptor,
}

impl Blob {
    /// Takes `bytes` as they are.
    pub fn new(media_type: &str, bytes: Vec<u8>) -> Blob {
        let descriptor = Descriptor::new(media_type, Digest::of(&bytes), bytes.len() as u64);
        Blob { bytes, descriptor }
    }

    /// Writes one of [`crate::spec`]'s documents as canonical JSON.
    pub fn json<T: Serialize>(media_type: &str, document: &T) -> Blob {
        let bytes = serde_json::to_vec(document).expect("string keys and no failing serializers");
        Blob::new(media_type, bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A bare pointer to the bytes.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The digest of the bytes.
    pub fn digest(&self) -> Digest {
        self.descriptor.digest
    }

    /// The number of bytes.
    pub fn size(&self) -> u64 {
        self.descriptor.size
    }
}
