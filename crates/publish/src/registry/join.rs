//! Joining images that are at a registry already into an index: what comes after a matrix of builds, or after a push
//! through an engine that has changed the digests.

use oci::spec::{Annotations, Descriptor, ImageConfig, Manifest};
use oci::{Blob, IndexBuilder};

use super::client::Registry;
use super::error::{Reason, RegistryError};
use super::report::Tagged;

impl Registry {
    /// Reads the images called `names` (tags or digests) and makes the index that lists them in this order; the registry does
    /// not have it yet. If some are missing, the error names all of them.
    pub async fn join(&self, names: &[String], annotations: Annotations) -> Result<Blob, RegistryError> {
        let fail = |reason| RegistryError::new(format!("join images of {}", self.repository()), reason);
        let mut builder = IndexBuilder::new(annotations);
        let mut missing = Vec::new();
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
                .add_descriptor(descriptor)
                .map_err(|error| fail(Reason::Plan(format!("`{name}`: {error}"))))?;
        }
        if !missing.is_empty() {
            return Err(fail(Reason::Plan(format!("there is no {}", missing.join(", no ")))));
        }
        Ok(builder.build())
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
