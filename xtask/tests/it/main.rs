//! The maintainer's commands and what the repository promises, from outside.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod action;
mod arguments;
mod arrows;
mod attest;
mod buildx;
mod cache;
mod choice;
mod circles;
mod conformance;
mod docs;
mod e2e;
mod golden;
mod images;
mod lacking;
mod layout;
mod line;
mod lock;
mod machines;
mod manual;
mod prelude;
mod real;
mod recipes;
mod referrers;
mod release;
mod report;
mod sbom;
mod ship;
mod sign;
mod testing;
mod upkeep;
mod work;
mod workflow;
