//! The registry client against a registry that misbehaves, and against a real one.

// The lints' exceptions for tests do not reach their helper functions.
#![allow(clippy::unwrap_used)]

use qus_publish as publish;

mod auth;
mod faults;
#[path = "../fixture/mod.rs"]
mod fixture;
mod guard;
mod http;
mod join;
mod permission;
mod pull;
mod push;
mod real;
mod server;
mod setup;
