//! Signatures as an image (sigstore/cosign, specs/SIGNATURE_SPEC.md): its layers are claims.

use oci::Blob;
use oci::spec::{Descriptor, ImageConfig, Manifest, Platform, media_type};
use sha256::Digest;

use crate::claim::{self, Claim};
use crate::key::Key;

/// The annotation of a claim's descriptor that has its signature.
pub(crate) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// The tag under which the signatures of the image with this digest are.
pub fn tag(digest: Digest) -> String {
    format!("sha256-{}.sig", digest.hex())
}

/// A claim with its signature, as a layer.
pub(crate) fn layer(claim: &Claim, key: &Key) -> (Blob, Descriptor) {
    let blob = Blob::new(claim::MEDIA_TYPE, claim.to_bytes());
    let mut descriptor = blob.descriptor().clone();
    descriptor.annotations.insert(SIGNATURE.to_owned(), key.sign(blob.bytes()));
    (blob, descriptor)
}

/// The image with these layers: its manifest and its config.
pub(crate) fn image(layers: Vec<Descriptor>) -> (Blob, Blob) {
    let nowhere = Platform { architecture: String::new(), os: String::new(), variant: None };
    // They are no archives: unpacked, they are as they are.
    let diff_ids = layers.iter().map(|layer| layer.digest).collect();
    let config = Blob::json(media_type::CONFIG, &ImageConfig::new(nowhere, diff_ids));
    let manifest = Manifest::new(config.descriptor().clone(), layers);
    (Blob::json(media_type::MANIFEST, &manifest), config)
}
