//! Attestations: statements about an image's contents and its making.
//!
//! Read in this order: an [`Inventory`] is everything that is known of an image; [`spdx`] writes it as a bill of materials,
//! [`provenance`] as the record of a build; a [`statement`] says of which image either is true. [`cyclonedx`] is a bill of
//! materials for programs that do not read SPDX. [`Purl`], [`License`] and [`Checksums`] are the values that they are made of.
//!
//! This crate reads neither clock, environment nor disk: equal inventories give equal bytes. It knows neither archives nor
//! layers: who has an inventory has looked there.

mod checksums;
pub mod cyclonedx;
mod inventory;
mod license;
pub mod provenance;
mod purl;
pub mod spdx;
pub mod statement;

pub use checksums::{Checksums, Sha1};
pub use inventory::{Crate, Deb, Dsc, File, Image, Inventory, Linked, Program, Source, Suite, Toolchain};
pub use license::License;
pub use purl::Purl;
