//! Signatures of images, as cosign keeps them at a registry: an image under the tag `sha256-HEX.sig`, next to the image whose
//! digest that is. Each of its layers is a claim, and carries the claim's signature in an annotation.
//!
//! A [`Key`] signs and a [`PublicKey`] verifies: ECDSA on P-256 with SHA-256; [`read`] reads their files. [`Signer`] puts signatures beside images,
//! [`verify`] finds one that counts. cosign, skopeo and podman read the same.
//!
//! This crate makes no keys, keeps none, and knows nothing of certificates and logs.

mod claim;
mod file;
mod image;
mod key;
mod signer;
mod verify;

pub use claim::{BadClaim, Claim};
pub use file::{FileError, read};
pub use image::tag;
pub use key::{BadSignature, Key, KeyError, PublicKey};
pub use signer::{SignError, Signed, Signer};
pub use verify::{MOST, verify};

base::hints![KeyError];
