//! Statements about an image as BuildKit puts them into its index (moby/buildkit, docs/attestations/attestation-storage.md): a
//! manifest for no platform, whose layers are the statements.

use sha256::Digest;

use crate::blob::Blob;
use crate::spec::{Annotations, Descriptor, ImageConfig, Manifest, Platform, annotation, media_type};

/// The kind of a manifest with statements.
const MANIFEST: &str = "attestation-manifest";

/// Statements about an image, ready to be put somewhere.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// Points to the config and the statements.
    pub manifest: Blob,
    /// Says nothing: what reads manifests expects one.
    pub config: Blob,
    image: Digest,
}

impl Attestation {
    /// Puts `statements`, each the predicate's type and the statement, together; they are about the image with this digest.
    pub fn build(image: Digest, statements: &[(&str, &Blob)]) -> Attestation {
        let diff_ids = statements.iter().map(|(_, statement)| statement.digest()).collect();
        let config = Blob::json(media_type::CONFIG, &ImageConfig::new(Platform::unknown(), diff_ids));
        let layer = |(predicate, statement): &(&str, &Blob)| {
            let annotations =
                Annotations::from([(annotation::PREDICATE.to_owned(), (*predicate).to_owned())]);
            Descriptor { annotations, ..statement.descriptor().clone() }
        };
        let manifest = Manifest::new(config.descriptor().clone(), statements.iter().map(layer).collect());
        Attestation { manifest: Blob::json(media_type::MANIFEST, &manifest), config, image }
    }

    /// Points to the manifest, with the image's digest: what an index lists.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            platform: Some(Platform::unknown()),
            annotations: Annotations::from([
                (annotation::REFERENCE_DIGEST.to_owned(), self.image.to_string()),
                (annotation::REFERENCE_TYPE.to_owned(), MANIFEST.to_owned()),
            ]),
            ..self.manifest.descriptor().clone()
        }
    }
}

impl Descriptor {
    /// True if it says that it points to statements.
    pub fn is_attestation(&self) -> bool {
        self.annotations.get(annotation::REFERENCE_TYPE).is_some_and(|kind| kind == MANIFEST)
    }

    /// The image that it points to statements about; `None` if it does not, or says no digest.
    pub fn attests(&self) -> Option<Digest> {
        let digest = self.annotations.get(annotation::REFERENCE_DIGEST).filter(|_| self.is_attestation())?;
        digest.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_kept_as_buildkit_keeps_them() {
        let image = Digest::of(b"image");
        let statement = Blob::new(media_type::IN_TOTO, b"{}".to_vec());
        let built = Attestation::build(image, &[("https://spdx.dev/Document", &statement)]);
        let text = |blob: &Blob| String::from_utf8(blob.bytes().to_vec()).unwrap();
        let (digest, config) = (statement.digest(), built.config.digest());
        assert_eq!(
            text(&built.config),
            format!(
                r#"{{"architecture":"unknown","os":"unknown","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{digest}"]}}}}"#
            )
        );
        let size = built.config.size();
        assert_eq!(
            text(&built.manifest),
            format!(
                r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":{size}}},"layers":[{{"mediaType":"application/vnd.in-toto+json","digest":"{digest}","size":2,"annotations":{{"in-toto.io/predicate-type":"https://spdx.dev/Document"}}}}]}}"#
            )
        );
        let (manifest, size) = (built.manifest.digest(), built.manifest.size());
        assert_eq!(
            serde_json::to_string(&built.descriptor()).unwrap(),
            format!(
                r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{manifest}","size":{size},"platform":{{"architecture":"unknown","os":"unknown"}},"annotations":{{"vnd.docker.reference.digest":"{image}","vnd.docker.reference.type":"attestation-manifest"}}}}"#
            )
        );
        assert_eq!(built.descriptor().attests(), Some(image));
        assert_eq!(built.manifest.descriptor().attests(), None);
    }
}
