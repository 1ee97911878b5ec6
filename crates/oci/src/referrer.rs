//! Statements about an image as manifests that refer to it (image-spec 1.1, manifest.md, `subject`): at a registry they are
//! found by the image's digest, without an index.

use sha256::Digest;

use crate::blob::Blob;
use crate::spec::{Annotations, Descriptor, Manifest, annotation, media_type};

/// A manifest that refers to an image.
#[derive(Debug, Clone)]
pub struct Referrer {
    /// The digest of the image.
    pub subject: Digest,
    /// Points to the image, the config and the statement.
    pub manifest: Blob,
    /// Says nothing: what reads manifests expects one.
    pub config: Blob,
    artifact_type: String,
    annotations: Annotations,
}

impl Referrer {
    /// Refers to `image` with one of the statements about it, which a manifest as BuildKit writes it points to.
    pub fn build(image: &Descriptor, statement: &Descriptor) -> Referrer {
        let config = Blob::new(media_type::EMPTY, b"{}".to_vec());
        // Lists are searched by it.
        let predicate = statement.annotations.get_key_value(annotation::PREDICATE);
        let annotations: Annotations =
            predicate.map(|(key, kind)| (key.clone(), kind.clone())).into_iter().collect();
        let manifest = Manifest {
            artifact_type: Some(statement.media_type.clone()),
            subject: Some(Descriptor::new(&image.media_type, image.digest, image.size)),
            annotations: annotations.clone(),
            ..Manifest::new(config.descriptor().clone(), vec![statement.clone()])
        };
        Referrer {
            subject: image.digest,
            manifest: Blob::json(media_type::MANIFEST, &manifest),
            config,
            artifact_type: statement.media_type.clone(),
            annotations,
        }
    }

    /// Points to the manifest: what a list of the image's referrers has.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            artifact_type: Some(self.artifact_type.clone()),
            annotations: self.annotations.clone(),
            ..self.manifest.descriptor().clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_refers_to_its_image() {
        let image = Descriptor::new(media_type::MANIFEST, Digest::of(b"image"), 5);
        let mut statement = Descriptor::new(media_type::IN_TOTO, Digest::of(b"statement"), 9);
        let kind = "https://spdx.dev/Document";
        statement.annotations.insert(annotation::PREDICATE.to_owned(), kind.to_owned());
        let referrer = Referrer::build(&image, &statement);
        assert_eq!(referrer.subject, image.digest);
        let expected = format!(
            r#"{{"schemaVersion":2,"mediaType":"{manifest}","artifactType":"{in_toto}","config":{{"mediaType":"{empty}","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}},"layers":[{{"mediaType":"{in_toto}","digest":"{statement}","size":9,"annotations":{{"in-toto.io/predicate-type":"{kind}"}}}}],"subject":{{"mediaType":"{manifest}","digest":"{image}","size":5}},"annotations":{{"in-toto.io/predicate-type":"{kind}"}}}}"#,
            manifest = media_type::MANIFEST,
            in_toto = media_type::IN_TOTO,
            empty = media_type::EMPTY,
            statement = statement.digest,
            image = image.digest,
        );
        assert_eq!(String::from_utf8_lossy(referrer.manifest.bytes()), expected);
        let listed = referrer.descriptor();
        assert_eq!((listed.digest, listed.size), (Digest::of(expected.as_bytes()), expected.len() as u64));
        assert_eq!(listed.artifact_type.as_deref(), Some(media_type::IN_TOTO));
        assert_eq!(listed.annotations[annotation::PREDICATE], kind);
    }
}
