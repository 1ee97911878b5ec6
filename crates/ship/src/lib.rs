//! The places that built images leave the machine to: a registry, directly or through a Docker engine, or the engine itself.
//!
//! [`Options`] are what a user asks for. [`Shipping`] reaches all of it before images are built: what a registry or an engine
//! refuses, it refuses before minutes of work. [`Shipped`] is what has left. [`named`] is an image at a registry, [`archive()`] the file for `docker load`. Engines are behind the feature `engine`.
//!
//! This crate builds nothing, and reads neither arguments nor, but through what it is given, the environment.

mod archive;
#[cfg(feature = "engine")]
mod engine;
mod named;
mod options;
mod referrers;
mod registry;
mod shipped;
mod shipping;
mod uploads;

pub use archive::archive;
pub use named::named;
pub use options::{Options, RegistryOptions, Via, connect};
pub use shipped::{Digests, Shipped};
pub use shipping::Shipping;
