//! How to treat a registry.

use std::time::Duration;

/// How to treat a registry. The default is meant for registries on the Internet.
#[derive(Debug, Clone)]
pub struct Options {
    /// Allow plain HTTP to a registry that is not on this machine (`--insecure-registry`).
    pub insecure: bool,
    /// Certificates, in PEM, of authorities to trust besides the system's (`--registry-ca`).
    pub authorities: Vec<Vec<u8>>,
    /// How long a connection may take to be made.
    pub connect: Duration,
    /// How long nothing may move on a connection.
    pub stall: Duration,
    /// How often an operation is tried; progress starts the count anew.
    pub attempts: u32,
    /// The wait before the second try; doubled for each one after, up to the longest, and jittered.
    pub backoff: Duration,
    /// The longest wait that is our own choice.
    pub longest_backoff: Duration,
    /// The longest wait that a registry may ask for.
    pub longest_wait: Duration,
    /// How many blobs are uploaded at once.
    pub concurrency: usize,
    /// Blobs up to this many bytes go in one request, larger ones in pieces of this size, after each of which an
    /// upload that was cut can resume.
    pub piece: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            insecure: false,
            authorities: Vec::new(),
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(60),
            attempts: 6,
            backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(20),
            longest_wait: Duration::from_secs(120),
            concurrency: 4,
            piece: 16 << 20,
        }
    }
}
