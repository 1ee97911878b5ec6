//! The options of a connection to a registry.

use std::collections::BTreeMap;

use sha256::Digest;

/// The options of a connection to a registry. The defaults are meant for registries on the Internet.
#[derive(Debug, Clone)]
pub struct Options {
    /// Allow plain HTTP to a registry that is not on this machine (`--insecure-registry`).
    pub insecure: bool,
    /// Certificates, in PEM, of authorities to trust besides the system's (`--registry-ca`).
    pub authorities: Vec<Vec<u8>>,
    /// Timeouts and retries. Progress starts the count of tries anew.
    pub http: http::Options,
    /// The number of blobs that are uploaded at once.
    pub concurrency: usize,
    /// Blobs up to this many bytes go in one request, larger ones in pieces of this size, after each of which an
    /// upload that was cut can resume.
    pub piece: u64,
    /// Ask for every image and blob, whatever the tags point to (`--repair`).
    pub repair: bool,
    /// The tags that never move and that the registry was seen to have, with what they pointed to. A push that finds all others
    /// right does not ask for these.
    pub seen: BTreeMap<String, Digest>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            insecure: false,
            authorities: Vec::new(),
            http: http::Options::default(),
            concurrency: 4,
            piece: 16 << 20,
            repair: false,
            seen: BTreeMap::new(),
        }
    }
}
