//! An image's config (image-spec, config.md).

use serde::{Deserialize, Serialize};
use sha256::Digest;

use super::{Annotations, Platform};

/// The configuration that an engine needs to run an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// When the image was made, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// A `GOARCH` value.
    pub architecture: String,
    /// `v7` of `linux/arm/v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// A `GOOS` value.
    pub os: String,
    /// The execution of a container.
    #[serde(default)]
    pub config: Execution,
    /// The layers, uncompressed.
    pub rootfs: RootFs,
    /// The history of the layers, lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
}

impl ImageConfig {
    /// A config that says no more than the platform and the layers.
    pub fn new(platform: Platform, diff_ids: Vec<Digest>) -> ImageConfig {
        let Platform { architecture, os, variant } = platform;
        let rootfs = RootFs { kind: "layers".to_owned(), diff_ids };
        let (created, config, history) = (None, Execution::default(), Vec::new());
        ImageConfig { created, architecture, variant, os, config, rootfs, history }
    }

    /// The three fields that name what the image runs on.
    pub fn platform(&self) -> Platform {
        Platform {
            architecture: self.architecture.clone(),
            os: self.os.clone(),
            variant: self.variant.clone(),
        }
    }
}

/// The execution of a container. (Its keys are capitalised: they come from Docker's Go structs.)
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Execution {
    /// User, and group after a colon; empty is root.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// `NAME=value`, in the order that engines apply.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub env: Vec<String>,
    /// The program, and the arguments that always come first.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub entrypoint: Vec<String>,
    /// The arguments when none are given.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub cmd: Vec<String>,
    /// The folder where the program starts; empty is `/`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// Notes about the image, for engines that show no annotations.
    #[serde(skip_serializing_if = "Annotations::is_empty", deserialize_with = "null_is_empty")]
    pub labels: Annotations,
}

/// Go writes an empty slice or map as `null`.
fn null_is_empty<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// The layers of an image, uncompressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The digest of each layer's tar, lowest first.
    pub diff_ids: Vec<Digest>,
}

/// The history of one layer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    /// When, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// By what command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// A note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Set when the step changed the config alone and has no layer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}
