//! The JSON documents of the OCI image specification, as far as qus reads and writes them.
//!
//! Written, they are canonical: fields in the order of the structs below, maps sorted by key, no whitespace,
//! nothing that is empty. Read by [`parse`], they accept what other tools add, but nothing that another program could
//! read in another way. (Crates that model the whole specification keep annotations in hash maps, so their bytes differ
//! from run to run.)

mod config;
mod descriptor;
mod document;
mod manifest;

pub use config::{Execution, History, ImageConfig, RootFs};
pub use descriptor::{Descriptor, Platform};
pub use document::parse;
pub use manifest::{Index, Manifest, SchemaVersion};

use std::collections::BTreeMap;

/// Annotations and labels: sorted, so that their JSON is canonical.
pub type Annotations = BTreeMap<String, String>;

/// The media types that qus writes and reads (image-spec, media-types.md).
pub mod media_type {
    /// An [`Index`](super::Index).
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// A [`Manifest`](super::Manifest).
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// An [`ImageConfig`](super::ImageConfig).
    pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// A tar in gzip.
    pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// A tar in zstd.
    pub const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
    /// A statement about an image (in-toto attestation framework).
    pub const IN_TOTO: &str = "application/vnd.in-toto+json";
    /// `{}`, where a config is expected and nothing is to be said (image-spec, manifest.md).
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
}

/// The annotation keys that qus writes and reads.
pub mod annotation {
    /// In a layout's `index.json`: the tag (image-spec, annotations.md).
    pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
    /// In a layout's `index.json`: the whole reference, which is what `docker load` and containerd name an image by.
    pub const CONTAINERD_NAME: &str = "io.containerd.image.name";
    /// In an index, with the value `true`: the image's layers are in zstd. Beside a gzip image of the same platform, podman
    /// and skopeo tell the two apart by it.
    pub const ZSTD: &str = "io.github.containers.compression.zstd";
    /// In an index: the entry is no image, but belongs to one. (This and the next two are BuildKit's, attestation-storage.md.)
    pub const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
    /// In an index: the digest of the image that the entry belongs to.
    pub const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";
    /// In a manifest with statements: the type of a statement's predicate.
    pub const PREDICATE: &str = "in-toto.io/predicate-type";
}
