//! One HTTP client that expects the network to fail, for mirrors and registries alike.
//!
//! Read in this order: an [`Address`] is a URL that shows no secret; a [`Request`] goes out through a [`Client`], which
//! follows redirects by its own rules and gives a [`Response`]; a [`Failure`] says why there is none, and whether the same
//! request may succeed later; [`Tries`] counts and says how long to wait. [`Options`] holds every limit.
//!
//! This crate never knows what it fetches: no digest, no package, no registry's grammar. It keeps no credentials either;
//! it sees to it that those in a request reach nobody but the server that the request is for.

mod address;
mod client;
mod failure;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
mod options;
mod pace;
mod redirect;
mod request;
mod response;
mod retry;
mod retry_after;
mod status;

pub use address::{Address, redacted};
pub use client::{Client, ClientError};
pub use failure::{Again, Cause, Failure};
pub use options::{Options, REDIRECTS};
pub use request::{Payload, Request};
pub use reqwest::{Method, StatusCode, Url, header};
pub use response::Response;
pub use retry::Tries;
pub use status::is_transient;
