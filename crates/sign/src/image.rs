//! Signatures as an image (sigstore/cosign, specs/SIGNATURE_SPEC.md): its layers are claims.

use oci::Blob;
use oci::spec::{
    Annotations, Descriptor, Execution, ImageConfig, Manifest, RootFs, SchemaVersion, media_type,
};
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
    let config = ImageConfig {
        created: None,
        architecture: String::new(),
        variant: None,
        os: String::new(),
        config: Execution::default(),
        // They are no archives: unpacked, they are as they are.
        rootfs: RootFs {
            kind: "layers".to_owned(),
            diff_ids: layers.iter().map(|layer| layer.digest).collect(),
        },
        history: Vec::new(),
    };
    let config = Blob::json(media_type::CONFIG, &config);
    let manifest = Manifest {
        schema_version: SchemaVersion,
        media_type: Some(media_type::MANIFEST.to_owned()),
        artifact_type: None,
        config: config.descriptor().clone(),
        layers,
        subject: None,
        annotations: Annotations::new(),
    };
    (Blob::json(media_type::MANIFEST, &manifest), config)
}
