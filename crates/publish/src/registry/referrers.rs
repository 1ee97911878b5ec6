//! Lists of what refers to an image (distribution-spec 1.1, "Listing Referrers"): a registry keeps them by itself, or else
//! a client that pushes does, as indexes under tags.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::{Method, StatusCode};
use oci::spec::{Descriptor, Index, media_type};
use oci::{Blob, Referrer};
use sha256::Digest;

use super::client::Registry;
use super::error::RegistryError;
use super::push::Mode;

/// The lists of some images' referrers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lists {
    /// The number of images.
    pub images: usize,
    /// The number of lists that were written, or in a dry run would be; `None` if the registry keeps them.
    pub written: Option<usize>,
}

impl Registry {
    /// Puts `referrers`, which the registry has, into the lists of the images that they refer to. What others have
    /// put there stays.
    pub async fn list_referrers(&self, referrers: &[Referrer], mode: Mode) -> Result<Lists, RegistryError> {
        let mut lists: BTreeMap<Digest, Vec<Descriptor>> = BTreeMap::new();
        for referrer in referrers {
            lists.entry(referrer.subject).or_default().push(referrer.descriptor());
        }
        let images = lists.len();
        let Some(first) = lists.keys().next() else { return Ok(Lists::default()) };
        if self.keeps_lists(*first).await? {
            return Ok(Lists { images, written: None });
        }
        let limit = self.http.options().concurrency.max(1);
        let written = stream::iter(lists.into_iter().map(|(image, ours)| self.list(image, ours, mode)))
            .buffer_unordered(limit)
            .try_fold(0, async |sum, is_written| Ok(sum + usize::from(is_written)))
            .await?;
        Ok(Lists { images, written: Some(written) })
    }

    /// True if the registry answers for an image's referrers: one that does not has no such address.
    async fn keeps_lists(&self, image: Digest) -> Result<bool, RegistryError> {
        let action = || format!("list what refers to {image} in {}", self.repository());
        let call = self.call_to(Method::GET, &format!("referrers/{image}"));
        let answer = self.http.call(&call).await.map_err(|reason| RegistryError::new(action(), reason))?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(self.wrong(action(), &answer)),
        }
    }

    /// Puts `ours` into the list of `image` under its tag (distribution-spec, "Referrers Tag Schema"); true if any was missing.
    async fn list(&self, image: Digest, ours: Vec<Descriptor>, mode: Mode) -> Result<bool, RegistryError> {
        let tag = format!("sha256-{}", image.hex());
        if self.head_manifest(&tag).await? == Some(index(ours.clone()).digest()) {
            return Ok(false);
        }
        let theirs = match self.manifest(&tag).await? {
            Some(fetched) => self.parse::<Index>(&tag, media_type::INDEX, &fetched.bytes)?.manifests,
            None => Vec::new(),
        };
        let is_missing = |one: &Descriptor| theirs.iter().all(|other| other.digest != one.digest);
        let missing: Vec<Descriptor> = ours.into_iter().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(false);
        }
        if mode == Mode::Push {
            let index = index(theirs.into_iter().chain(missing).collect());
            self.put_manifest(&tag, index.descriptor(), index.bytes().to_vec()).await?;
        }
        Ok(true)
    }
}

fn index(manifests: Vec<Descriptor>) -> Blob {
    Blob::json(media_type::INDEX, &Index::new(manifests))
}
