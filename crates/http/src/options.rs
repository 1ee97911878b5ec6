//! Every limit of the client, in one place.

use std::time::Duration;

/// How to treat a server. The default is meant for servers on the Internet.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a connection may take to come about.
    pub connect: Duration,
    /// How long nothing may move on a connection, in either direction.
    pub stall: Duration,
    /// The time over which a transfer's speed is judged.
    pub window: Duration,
    /// How many bytes a transfer that is not over must move in each window. Without it, a server that sends one byte now and
    /// then is waited for as long as it likes.
    pub least: u64,
    /// How often an operation is tried.
    pub attempts: u32,
    /// The pause before the second try. It is doubled for each one after, up to the longest, and shortened at random by up
    /// to half, so that clients that were refused at once do not come back at once.
    pub pause: Duration,
    /// The longest pause that is our own choice.
    pub longest_pause: Duration,
    /// The longest pause that a server may ask for (`Retry-After`). It is kept in full; a longer one ends the operation, for
    /// it is neither shortened nor waited for.
    pub longest_wait: Duration,
    /// Certificates, in PEM, of authorities to trust besides the system's.
    pub authorities: Vec<Vec<u8>>,
    /// Whether to go past the proxies that the environment names.
    pub direct: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connect: Duration::from_secs(20),
            stall: Duration::from_secs(60),
            // One kilobyte a second: slower than any line that a hundred megabytes can be fetched through.
            window: Duration::from_secs(60),
            least: 60 << 10,
            attempts: 6,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(20),
            longest_wait: Duration::from_secs(120),
            authorities: Vec::new(),
            direct: false,
        }
    }
}
