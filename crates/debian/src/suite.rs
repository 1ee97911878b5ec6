//! Debian's suites.

/// The suites that packages may come from; a typing error in one is better caught against these than as a 404.
pub const SUITES: [&str; 5] = ["sid", "forky", "trixie", "bookworm", "experimental"];
