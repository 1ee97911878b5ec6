//! Putting signatures beside images.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use oci::spec::{Descriptor, Index, Manifest, media_type};
use publish::layout::{Layout, LayoutError, LayoutWriter};
use publish::registry::{Mode, Push, Registry, RegistryError, Silent, push};
use sha256::Digest;

use crate::claim::Claim;
use crate::image::{self, SIGNATURE};
use crate::key::Key;

/// The number of images that are asked for at the same time.
const AT_ONCE: usize = 8;

/// Signs images of a repository.
pub struct Signer<'a> {
    /// The repository.
    pub registry: &'a Registry,
    /// The private key.
    pub key: &'a Key,
    /// The repository's name in the claims.
    pub identity: &'a str,
}

/// The image has a signature of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The digest of the image.
    pub digest: Digest,
    /// True if it had none before.
    pub is_new: bool,
}

/// Images could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The registry did not do it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// There is no room for the files that are pushed.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// There is no room for a directory for them.
    #[error("cannot make a temporary directory: {0}")]
    Temporary(#[source] std::io::Error),
}

/// An image that is to be signed, unless it is.
struct Draft {
    digest: Digest,
    /// The image of signatures that is to take the place of what is there.
    push: Option<Push>,
}

impl Signer<'_> {
    /// The digests of the images and indexes with these names, and of all that they list, each once: a copy of a whole index is
    /// refused by a policy that finds one manifest unsigned, an attestation too.
    pub async fn find(&self, names: &[&str]) -> Result<Vec<Digest>, RegistryError> {
        let found: Vec<Vec<Digest>> =
            stream::iter(names.iter().map(|name| self.listed(name))).buffered(AT_ONCE).try_collect().await?;
        let mut seen = HashSet::new();
        Ok(found.into_iter().flatten().filter(|digest| seen.insert(*digest)).collect())
    }

    async fn listed(&self, name: &str) -> Result<Vec<Digest>, RegistryError> {
        let root = self.registry.root(name).await?;
        let mut digests = vec![root.digest];
        if root.media_type == media_type::INDEX {
            let index: Index = self.registry.json(&root).await?;
            digests.extend(index.manifests.iter().map(|image| image.digest));
        }
        Ok(digests)
    }

    /// Gives each of `images` a signature that has none of this key. What others have signed stays.
    pub async fn sign(&self, images: &[Digest], mode: Mode) -> Result<Vec<Signed>, SignError> {
        let scratch = tempfile::tempdir().map_err(SignError::Temporary)?;
        let writer = LayoutWriter::create(scratch.path())?;
        let drafts: Vec<Draft> = stream::iter(images.iter().map(|digest| self.draft(*digest, &writer)))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let plan: Vec<Push> = drafts.iter().filter_map(|draft| draft.push.clone()).collect();
        if !plan.is_empty() {
            // What is pushed goes by its digest: no tag of the layout is needed.
            writer.finish(&self.registry.repository().to_string(), &[])?;
            let layout = Layout::open(scratch.path())?;
            push(&layout, &plan, &[], self.registry, mode, &Silent).await?;
        }
        let signed = |draft: Draft| Signed { digest: draft.digest, is_new: draft.push.is_some() };
        Ok(drafts.into_iter().map(signed).collect())
    }

    /// Writes the image that is to be, if the registry's lacks a signature.
    async fn draft(&self, digest: Digest, writer: &LayoutWriter) -> Result<Draft, SignError> {
        let tag = image::tag(digest);
        let claim = Claim { repository: self.identity.to_owned(), digest };
        let (blob, layer) = image::layer(&claim, self.key);
        let mut layers = Vec::new();
        let there = self.registry.manifest(&tag).await?.map(|fetched| fetched.descriptor);
        if let Some(there) = &there {
            let manifest: Manifest = self.registry.json(there).await?;
            layers = manifest.layers;
        }
        let is_ours = |other: &Descriptor| {
            let signature = other.annotations.get(SIGNATURE);
            let is_same = |signature: &String| self.key.public().verify(blob.bytes(), signature).is_ok();
            other.digest == layer.digest && signature.is_some_and(is_same)
        };
        if layers.iter().any(is_ours) {
            return Ok(Draft { digest, push: None });
        }
        if let Some(there) = there {
            // Its claims belong to the image that takes its place.
            self.registry.pull(&there.digest.to_string(), writer).await?;
        }
        layers.push(layer);
        let (manifest, config) = image::image(layers);
        for part in [&blob, &config, &manifest] {
            writer.put(part)?;
        }
        let push = Push { tag: Some(tag), descriptor: manifest.descriptor().clone(), fixed: false };
        Ok(Draft { digest, push: Some(push) })
    }
}
