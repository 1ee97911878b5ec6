//! Builds through the library, and the cache that they leave.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod attest;
mod cache;
mod golden;
mod partial;
mod series;
