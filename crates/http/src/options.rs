//! Every limit of the client, in one place.

use std::time::Duration;

/// The number of redirects that are followed.
pub const REDIRECTS: usize = 10;

/// The limits. The defaults are meant for servers on the Internet.
#[derive(Debug, Clone)]
pub struct Options {
    /// The longest time that a connection may take to come about.
    pub connect: Duration,
    /// The longest time in which nothing may move on a connection, in either direction.
    pub stall: Duration,
    /// The time over which a transfer's speed is judged.
    pub window: Duration,
    /// The number of bytes that a transfer must move in each window until it is over. Without it, a server that sends one byte
    /// now and then is waited for as long as it likes.
    pub least: u64,
    /// The number of times that an operation is tried.
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
    /// True to go past the proxies that the environment names.
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
