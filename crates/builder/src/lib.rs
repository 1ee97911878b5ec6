//! From a lock to images in a layout.
//!
//! Read in this order: [`kind`] and [`packing`] are what an image is for and how its layers are compressed, [`plan`] is every
//! image and index of a run with its tags (pure), [`cross`] builds `register` for each host, [`build`] makes layers and puts
//! images and indexes together, [`images`] does all of it for one order. [`trace`] is the timeline of a run.
//!
//! This crate never moves anything off the machine, and never reads the command line or the environment: a [`Site`] is where
//! it works, an [`images::Order`] what it makes.

pub mod build;
pub mod cross;
pub mod images;
pub mod kind;
pub mod packing;
pub mod plan;
mod site;
pub mod trace;

pub use build::{Built, BuiltImage, BuiltIndex};
pub use kind::Kind;
pub use packing::{Compression, Form, Level};
pub use plan::{Content, Plan, Selection};
pub use site::{Site, announce};
pub use trace::Trace;
