//! Debian's side as its users see it: files and servers, good and bad, and what is made of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod compare;
mod deb;
mod fetch;
mod lock;
mod news;
mod release;
mod resolve;
mod setup;
mod sources;
mod two_hosts;
