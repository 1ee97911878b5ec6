//! Reading what a registry holds: documents into memory, blobs into a layout; and checking without downloading.

use std::collections::BTreeMap;
use std::io::Write as _;

use http::{Method, StatusCode};
use oci::Blob;
use oci::spec::{Descriptor, Index, Manifest, Platform, media_type};
use serde::de::DeserializeOwned;
use sha256::Digest;

use super::client::{Fetched, Registry};
use super::error::{Reason, RegistryError};
use super::failure::{Failure, Tries};
use crate::layout::LayoutWriter;
use crate::verify::Problem;

/// The findings about an image or index at a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Inspection {
    /// Points to the image or index.
    pub descriptor: Descriptor,
    /// Its bytes, which have the digest.
    pub bytes: Vec<u8>,
    /// The platforms, for an index.
    pub platforms: Vec<Platform>,
    /// The number of distinct blobs and images under it.
    pub blobs: usize,
    /// Their size in bytes, as their descriptors say.
    pub size: u64,
    /// Everything that is wrong, by place.
    pub problems: Vec<Problem>,
}

impl Registry {
    /// Checks the image or index called `name`, and everything under it: documents are read, and their digests
    /// computed; of other blobs the registry is asked for existence and size.
    pub async fn inspect(&self, name: &str) -> Result<Inspection, RegistryError> {
        let Fetched { descriptor, bytes } = self.required(name).await?;
        let mut found = Findings::default();
        let mut platforms = Vec::new();
        if descriptor.media_type == media_type::INDEX {
            let index: Index = self.parse(name, &descriptor.media_type, &bytes)?;
            for image in &index.manifests {
                platforms.extend(image.platform.clone().filter(|_| !image.is_attestation()));
                let user =
                    image.platform.as_ref().map_or_else(|| image.digest.to_string(), ToString::to_string);
                self.inspect_image(image, &user, &mut found).await?;
            }
        } else {
            let manifest: Manifest = self.parse(name, &descriptor.media_type, &bytes)?;
            self.inspect_blobs(&manifest, name, &mut found).await?;
        }
        let blobs = found.seen.len();
        let size = found.seen.values().sum();
        let mut problems = found.problems;
        problems.sort();
        Ok(Inspection { descriptor, bytes, platforms, blobs, size, problems })
    }

    /// Copies the image or index called `name`, and everything under it, into a layout. Every digest is checked on
    /// the way; blobs that the layout has are not downloaded.
    pub async fn pull(&self, name: &str, layout: &LayoutWriter) -> Result<Descriptor, RegistryError> {
        let Fetched { descriptor, bytes } = self.required(name).await?;
        let mut images = Vec::new();
        if descriptor.media_type == media_type::INDEX {
            let index: Index = self.parse(name, &descriptor.media_type, &bytes)?;
            for image in &index.manifests {
                let digest = image.digest.to_string();
                images.push((image.media_type.clone(), self.required(&digest).await?.bytes));
            }
        } else {
            images.push((descriptor.media_type.clone(), bytes.clone()));
        }
        let fail = |error| {
            RegistryError::new(format!("copy {name} of {}", self.repository()), Reason::Layout(error))
        };
        for (media_type, bytes) in images {
            let manifest: Manifest = self.parse(name, &media_type, &bytes)?;
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                if !layout.contains(blob) {
                    self.pull_blob(blob, layout).await?;
                }
            }
            layout.put(&Blob::new(&media_type, bytes)).map_err(fail)?;
        }
        layout.put(&Blob::new(&descriptor.media_type, bytes)).map_err(fail)?;
        Ok(descriptor)
    }

    /// Points to the image or index called `name`.
    pub async fn root(&self, name: &str) -> Result<Descriptor, RegistryError> {
        Ok(self.required(name).await?.descriptor)
    }

    /// Reads and parses a document: an image, an index, or a small blob such as an image's config, verified.
    pub async fn json<T: DeserializeOwned>(&self, descriptor: &Descriptor) -> Result<T, RegistryError> {
        let bytes = self.read(descriptor).await?;
        self.parse(&descriptor.digest.to_string(), &descriptor.media_type, &bytes)
    }

    /// Reads a document, verified.
    pub async fn read(&self, descriptor: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        let digest = descriptor.digest;
        if matches!(descriptor.media_type.as_str(), media_type::INDEX | media_type::MANIFEST) {
            return Ok(self.required(&digest.to_string()).await?.bytes);
        }
        let action = || format!("read blob {digest} of {}", self.repository());
        let call = self.call_to(Method::GET, &format!("blobs/{digest}"));
        let answer = self.http.call(&call).await.map_err(|reason| RegistryError::new(action(), reason))?;
        if answer.status != StatusCode::OK {
            return Err(self.wrong(action(), &answer));
        }
        let actual = Digest::of(&answer.body);
        if actual != digest {
            return Err(RegistryError::new(action(), Reason::Content { expected: digest, actual }));
        }
        Ok(answer.body)
    }

    async fn required(&self, name: &str) -> Result<Fetched, RegistryError> {
        let missing = || {
            RegistryError::new(
                format!("read {name} of {}", self.repository()),
                Reason::NotFound(String::new()),
            )
        };
        self.manifest(name).await?.ok_or_else(missing)
    }

    pub(super) fn parse<T: DeserializeOwned>(
        &self,
        name: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<T, RegistryError> {
        oci::spec::parse(media_type, bytes).map_err(|source| {
            let reason = Reason::Json { media_type: media_type.to_owned(), source };
            RegistryError::new(format!("read {name} of {}", self.repository()), reason)
        })
    }

    async fn inspect_image(
        &self,
        image: &Descriptor,
        user: &str,
        found: &mut Findings,
    ) -> Result<(), RegistryError> {
        let name = image.digest.to_string();
        if found.seen.insert(image.digest, image.size).is_some() {
            return Ok(());
        }
        let Some(fetched) = self.manifest(&name).await? else {
            found.add(&name, "missing".to_owned(), user);
            return Ok(());
        };
        if fetched.descriptor.size != image.size {
            let (expected, actual) = (image.size, fetched.descriptor.size);
            found.add(&name, format!("expected {expected} bytes, got {actual}"), user);
        }
        let manifest: Manifest = self.parse(&name, &image.media_type, &fetched.bytes)?;
        self.inspect_blobs(&manifest, user, found).await
    }

    async fn inspect_blobs(
        &self,
        manifest: &Manifest,
        user: &str,
        found: &mut Findings,
    ) -> Result<(), RegistryError> {
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            if found.seen.insert(blob.digest, blob.size).is_some() {
                continue;
            }
            let name = blob.digest.to_string();
            match self.blob_size(blob).await? {
                None => found.add(&name, "missing".to_owned(), user),
                Some(size) if size != blob.size => {
                    found.add(&name, format!("expected {} bytes, got {size}", blob.size), user);
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    async fn pull_blob(&self, blob: &Descriptor, layout: &LayoutWriter) -> Result<(), RegistryError> {
        let fail = |reason| {
            RegistryError::new(format!("copy blob {} of {}", blob.digest, self.repository()), reason)
        };
        let mut tries = Tries::default();
        loop {
            match self.download(blob, layout).await {
                Ok(()) => return Ok(()),
                Err(failure) => tries.again(failure, self.http.patience()).await.map_err(fail)?,
            }
        }
    }

    async fn download(&self, blob: &Descriptor, layout: &LayoutWriter) -> Result<(), Failure> {
        let call = self.call_to(Method::GET, &format!("blobs/{}", blob.digest));
        let mut response = self.http.open(&call, &|_| ()).await?;
        let status = response.status();
        if status != StatusCode::OK {
            let headers = response.headers().clone();
            let failure = Failure::of_status(status, &headers, &[], self.http.patience());
            return Err(failure.unwrap_or_else(|| Failure::fatal(super::answer::reason(status, &[], 1))));
        }
        let local = |error| Failure::fatal(Reason::Layout(error));
        let mut out = layout.blob_writer().map_err(local)?;
        let mut size = 0;
        while let Some(chunk) = response.chunk().await? {
            size += chunk.len() as u64;
            if size > blob.size {
                return Err(Failure::fatal(Reason::Protocol(format!(
                    "more than its {} bytes came",
                    blob.size
                ))));
            }
            let path = layout.path();
            out.write_all(&chunk)
                .map_err(|error| local(crate::layout::LayoutError::io("write to", path)(error)))?;
        }
        if size < blob.size {
            return Err(Failure::transient(format!("only {size} of its {} bytes came", blob.size)));
        }
        match out.commit_as(blob.digest).map_err(local)? {
            Ok(()) => Ok(()),
            Err(actual) => Err(Failure::fatal(Reason::Content { expected: blob.digest, actual })),
        }
    }
}

#[derive(Default)]
struct Findings {
    seen: BTreeMap<Digest, u64>,
    problems: Vec<Problem>,
}

impl Findings {
    fn add(&mut self, place: &str, reason: String, user: &str) {
        self.problems.push(Problem { place: place.to_owned(), reason, users: vec![user.to_owned()] });
    }
}
