//! An index: what a multi-arch tag points to.

use crate::blob::Blob;
use crate::image::Image;
use crate::spec::{Annotations, Descriptor, Index, Platform, media_type};

/// Collects the images of one tag, in the order they are added: for each platform at most one in gzip and one in zstd.
#[derive(Debug, Clone, Default)]
pub struct IndexBuilder {
    manifests: Vec<Descriptor>,
    annotations: Annotations,
}

impl IndexBuilder {
    /// An index with `annotations` and no images.
    pub fn new(annotations: Annotations) -> IndexBuilder {
        IndexBuilder { manifests: Vec::new(), annotations }
    }

    /// Adds an image.
    pub fn add(&mut self, image: &Image) -> Result<(), PlatformTwice> {
        self.add_descriptor(image.descriptor())
    }

    /// Adds an image that is known by its descriptor alone, such as one that a registry holds, or statements about one.
    pub fn add_descriptor(&mut self, descriptor: Descriptor) -> Result<(), PlatformTwice> {
        if let Some(platform) = &descriptor.platform
            && !descriptor.is_attestation()
            && self.manifests.iter().any(|other| {
                other.platform.as_ref() == Some(platform) && other.is_zstd() == descriptor.is_zstd()
            })
        {
            return Err(PlatformTwice { platform: platform.clone() });
        }
        self.manifests.push(descriptor);
        Ok(())
    }

    /// The index's bytes.
    pub fn build(self) -> Blob {
        let index = Index { annotations: self.annotations, ..Index::new(self.manifests) };
        Blob::json(media_type::INDEX, &index)
    }
}

/// An index offered two images for one platform; engines would take either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot add an image to an index: it has one for {platform} already")]
pub struct PlatformTwice {
    /// The platform.
    pub platform: Platform,
}
