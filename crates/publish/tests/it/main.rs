//! The places that an index goes to, tried: disks, archives, engines, registries, and who may use them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use qus_publish as publish;

mod credentials;
mod disk;
mod engine;
mod fixture;
mod registry;
