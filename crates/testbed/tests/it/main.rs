//! Sandboxes, registries and packages for tests, tried themselves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod apt;
mod archive;
mod machine;
mod registry;
mod sandbox;
