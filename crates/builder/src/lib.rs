//! From a lock to images in a layout.
//!
//! Read in this order: [`Config`] is `images.toml`, [`kind`] is what an image is for, [`content`] what it holds, and [`packing`]
//! how its layers are compressed, [`statements`] what is said about it, [`plan`] is every image and index of a run with its tags (pure), [`cross`] builds `register`
//! for each host, [`build`] makes layers and puts images and indexes together, [`images`] does all of it for one plan. [`tags`]
//! is what a push of that sets, [`Seen`] what need not be asked for again, [`join`] makes the indexes over what several machines have pushed ([`expected`] is what must
//! come of it), and [`sizes`] is what a user downloads. [`summary`] says what was built, [`verify()`] whether it is what it should be, [`sbom`] reads what an image says of itself, [`cache`] is what is kept from run to run,
//! and [`trace`] is the timeline of a run.
//!
//! This crate never uploads a layer, and never reads the command line or the environment: a [`Site`] is where it works, an
//! [`images::BuildContext`] how.

pub mod build;
pub mod cache;
mod config;
pub mod content;
pub mod cross;
pub mod expected;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
pub mod images;
pub mod join;
pub mod kind;
pub mod packing;
pub mod plan;
pub mod sbom;
mod sealed;
mod seen;
mod site;
pub mod sizes;
pub mod statements;
pub mod summary;
pub mod tags;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trace;
mod verify;

pub use build::{Built, BuiltImage, BuiltIndex};
pub use config::{Config, Defaults};
pub use content::Content;
pub use kind::Kind;
pub use packing::{Compression, Form, Level};
pub use plan::{Plan, Selection};
pub use seen::Seen;
pub use site::{Leave, Site, always, announce};
pub use sizes::Sizes;
pub use statements::Statements;
pub use trace::Trace;
pub use verify::{Verified, verify};
