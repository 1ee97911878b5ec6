//! The registry client against a registry that misbehaves, and against a real one.

mod auth;
mod faults;
mod guard;
pub(crate) mod http;
mod join;
mod permission;
mod pull;
mod push;
mod real;
mod referrers;
mod server;
mod setup;
