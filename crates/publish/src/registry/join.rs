//! Joining images that are at a registry already into an index: what comes after a matrix of builds, or after a push
//! through an engine that has changed the digests.

use oci::spec::{Annotations, Descriptor, ImageConfig, Manifest};
use oci::{Blob, IndexBuilder};

use super::client::Registry;
use super::error::{Reason, RegistryError};
use super::report::Tagged;

/// Images at a registry, and the index over them.
#[derive(Debug, Clone)]
pub struct Joined {
    /// The index, which the registry does not have yet.
    pub index: Blob,
    /// Its images, in the order asked for.
    pub images: Vec<Part>,
}

/// One image of an index.
#[derive(Debug, Clone)]
pub struct Part {
    /// The name that it was asked for by: a tag or a digest.
    pub name: String,
    /// As the index lists it.
    pub descriptor: Descriptor,
    /// Its manifest, with the annotations that say what it was built from.
    pub manifest: Manifest,
    /// Its config.
    pub config: ImageConfig,
}

impl Registry {
    /// Reads the images called `names` (tags or digests) and makes the index that lists them in this order. If some are
    /// missing, the error names all of them.
    pub async fn join(&self, names: &[String], annotations: Annotations) -> Result<Joined, RegistryError> {
        let fail = |reason| RegistryError::new(format!("join images of {}", self.repository()), reason);
        let mut builder = IndexBuilder::new(annotations);
        let (mut images, mut missing) = (Vec::new(), Vec::new());
        for name in names {
            let Some(fetched) = self.manifest(name).await? else {
                missing.push(format!("`{name}`"));
                continue;
            };
            let media_type = fetched.descriptor.media_type.clone();
            let manifest: Manifest = oci::spec::parse(&media_type, &fetched.bytes)
                .map_err(|source| fail(Reason::Json { media_type, source }))?;
            let config: ImageConfig = self.json(&manifest.config).await?;
            let descriptor = Descriptor { platform: Some(config.platform()), ..fetched.descriptor }
                .with_zstd(manifest.is_zstd());
            builder
                .add_descriptor(descriptor.clone())
                .map_err(|error| fail(Reason::Plan(format!("`{name}`: {error}"))))?;
            images.push(Part { name: name.clone(), descriptor, manifest, config });
        }
        if !missing.is_empty() {
            return Err(fail(Reason::Plan(format!("there is no {}", missing.join(", no ")))));
        }
        Ok(Joined { index: builder.build(), images })
    }

    /// Puts an index whose images are there, first by digest, then under `tags`, in this order. Tags that point to it
    /// already are left alone.
    pub async fn put_index(&self, index: &Blob, tags: &[String]) -> Result<Vec<Tagged>, RegistryError> {
        let mut tagged = Vec::new();
        for tag in tags {
            tagged.push(self.set_tag(tag, index.descriptor(), index.bytes()).await?);
        }
        Ok(tagged)
    }

    /// Puts an image or an index, what it leads to being there, by digest if it is not there itself, and then under
    /// `tag`. A tag that points to it already is left alone.
    pub async fn set_tag(
        &self,
        tag: &str,
        descriptor: &Descriptor,
        bytes: &[u8],
    ) -> Result<Tagged, RegistryError> {
        let digest = descriptor.digest;
        let name = digest.to_string();
        if self.head_manifest(&name).await?.is_none() {
            self.put_manifest(&name, descriptor, bytes.to_vec()).await?;
        }
        let moved = self.head_manifest(tag).await? != Some(digest);
        if moved {
            self.put_manifest(tag, descriptor, bytes.to_vec()).await?;
        }
        Ok(Tagged { tag: tag.to_owned(), digest, moved })
    }
}
