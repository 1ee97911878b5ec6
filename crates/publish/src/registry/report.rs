//! The report of a push.

use oci::spec::Descriptor;
use sha256::Digest;

/// The actions that were done, or in a dry run would be.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Report {
    /// Blobs that were sent, by digest.
    pub uploaded: Vec<Descriptor>,
    /// Blobs that the registry took from another repository of its own, by digest.
    pub mounted: Vec<Descriptor>,
    /// Blobs that were there, by digest. Those of images that were there are not asked for and not listed.
    pub present: Vec<Descriptor>,
    /// Images and indexes that were not there.
    pub manifests: Vec<Descriptor>,
    /// Every tag of the plan, in the order in which they were looked at.
    pub tags: Vec<Tagged>,
}

/// A tag after a push.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Tagged {
    /// The tag.
    pub tag: String,
    /// The descriptor that it points to.
    pub digest: Digest,
    /// True if it did not point there before.
    pub moved: bool,
}

impl Report {
    /// The bytes of blobs that were sent.
    pub fn bytes_uploaded(&self) -> u64 {
        self.uploaded.iter().map(|blob| blob.size).sum()
    }

    /// True if the registry had everything, under the right tags.
    pub fn unchanged(&self) -> bool {
        self.uploaded.is_empty()
            && self.mounted.is_empty()
            && self.manifests.is_empty()
            && self.tags.iter().all(|tag| !tag.moved)
    }
}
