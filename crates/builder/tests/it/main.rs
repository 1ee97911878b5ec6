//! Builds through the library, and its parsers on foreign bytes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod fuzz;
mod golden;
mod workshop;
