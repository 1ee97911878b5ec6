//! An image's manifest (image-spec, manifest.md) and an index of manifests (image-index.md).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Annotations, Descriptor};

/// One image: its config and its layers, lowest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: SchemaVersion,
    /// [`super::media_type::MANIFEST`] in everything that qus writes; optional in the specification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The type of what is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Points to the [`super::ImageConfig`].
    pub config: Descriptor,
    /// Points to the layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// Points to the image that this one refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Notes about the image.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl Manifest {
    /// An image without notes.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Manifest {
        Manifest {
            schema_version: SchemaVersion,
            media_type: Some(super::media_type::MANIFEST.to_owned()),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: Annotations::new(),
        }
    }

    /// True if any of the layers is in zstd.
    pub fn is_zstd(&self) -> bool {
        self.layers.iter().any(|layer| layer.media_type == super::media_type::LAYER_ZSTD)
    }
}

/// A list of images, one for each platform; also a layout's `index.json`, where it is a list of tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: SchemaVersion,
    /// [`super::media_type::INDEX`] in everything that qus writes; optional in the specification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Points to manifests, or to further indexes.
    pub manifests: Vec<Descriptor>,
    /// Notes about the list.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl Index {
    /// A list without notes.
    pub fn new(manifests: Vec<Descriptor>) -> Index {
        let media_type = Some(super::media_type::INDEX.to_owned());
        Index { schema_version: SchemaVersion, media_type, manifests, annotations: Annotations::new() }
    }
}

/// The number 2: no other version of these documents exists (version 1 was Docker's and is something else).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SchemaVersion;

impl SchemaVersion {
    const NUMBER: u64 = 2;
}

impl Serialize for SchemaVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for SchemaVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SchemaVersion, D::Error> {
        match u64::deserialize(deserializer)? {
            Self::NUMBER => Ok(SchemaVersion),
            other => Err(serde::de::Error::custom(format!("schemaVersion {other} is not 2"))),
        }
    }
}
