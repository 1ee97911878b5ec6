//! A registry, over HTTP (distribution-spec 1.1): a client that expects the network to fail.
//!
//! Read in this order: [`Reference`] is a name, [`Registry`] a repository that answers, [`push()`] puts a layout's
//! images there, [`Registry::inspect`] checks them. Underneath, `transport` is one request (with the credentials that are asked for), `upload` one
//! blob.

mod answer;
mod auth;
mod challenge;
mod client;
mod error;
mod failure;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzz;
mod join;
mod options;
mod permission;
mod progress;
mod pull;
mod push;
mod reference;
mod referrers;
mod report;
mod transport;
mod upload;

pub use client::{Access, Fetched, Registry};
pub use error::{Reason, RegistryError};
pub use options::Options;
pub use progress::{Event, Progress, Silent};
pub use pull::Inspection;
pub use push::{Mode, Push, check_fixed, push};
pub use reference::{ParseReferenceError, Reference, Repository};
pub use referrers::Lists;
pub use report::{Report, Tagged};
pub use upload::Outcome;
