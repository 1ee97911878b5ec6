//! A pointer to a blob (image-spec, descriptor.md) and the platform it is for (image-index.md).

use std::fmt;

use serde::{Deserialize, Serialize};
use sha256::Digest;

use super::{Annotations, annotation};

/// A pointer to a blob: what it is, its digest and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The type of the blob; see [`super::media_type`].
    pub media_type: String,
    /// The digest of the blob's bytes.
    pub digest: Digest,
    /// The number of the blob's bytes.
    pub size: u64,
    /// In an index: what the image runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// In a list of what refers to an image: the manifest's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Notes by the one that points.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl Descriptor {
    /// True if it says that it points to an image with layers in zstd.
    pub fn is_zstd(&self) -> bool {
        self.annotations.get(annotation::ZSTD).is_some_and(|value| value == "true")
    }

    /// Says so, or does not.
    #[must_use]
    pub fn with_zstd(mut self, zstd: bool) -> Descriptor {
        match zstd {
            true => self.annotations.insert(annotation::ZSTD.to_owned(), "true".to_owned()),
            false => self.annotations.remove(annotation::ZSTD),
        };
        self
    }

    /// The same as a root of a layout: the tag `tag` of `repository`.
    #[must_use]
    pub fn named(mut self, repository: &str, tag: &str) -> Descriptor {
        self.annotations.insert(annotation::REF_NAME.to_owned(), tag.to_owned());
        self.annotations.insert(annotation::CONTAINERD_NAME.to_owned(), format!("{repository}:{tag}"));
        self
    }

    /// The tag of a root of a layout.
    pub fn tag(&self) -> Option<&str> {
        self.annotations.get(annotation::REF_NAME).map(String::as_str)
    }

    /// A bare pointer to `size` bytes with `digest`.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Descriptor {
        Descriptor {
            media_type: media_type.to_owned(),
            digest,
            size,
            platform: None,
            artifact_type: None,
            annotations: Annotations::new(),
        }
    }
}

/// The platform that an image runs on. Ordered by name, for reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// A `GOARCH` value: `arm64`.
    pub architecture: String,
    /// A `GOOS` value; `linux` in everything that qus writes.
    pub os: String,
    /// `v7` of `linux/arm/v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// The platform of what runs nowhere.
    pub fn unknown() -> Platform {
        let unknown = || "unknown".to_owned();
        Platform { architecture: unknown(), os: unknown(), variant: None }
    }
}

impl From<arch::Platform> for Platform {
    fn from(platform: arch::Platform) -> Platform {
        Platform {
            architecture: platform.architecture.to_owned(),
            os: "linux".to_owned(),
            variant: platform.variant.map(str::to_owned),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}
