//! The client against servers that are not what it hopes for.

// The lints' exceptions for tests do not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod credentials;
mod pace;
mod server;
mod tls;
