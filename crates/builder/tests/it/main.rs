//! Builds through the library.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod golden;
mod workshop;
