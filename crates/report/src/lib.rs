//! The report: which targets there are on which host, as a page, as Markdown, as JSON.
//!
//! A [`Matrix`] is what there is: emulators come from the lock, sizes from a layout if one was built, and [`Programs`] from the
//! results that are kept of them. So the report of one lock and one layout is always the same: it has no date of its own. [`html`]
//! and [`markdown`] are how it looks.
//!
//! This crate reads no file, no clock and no network.

mod html;
mod markdown;
mod matrix;
mod programs;
mod speed;

pub use html::render as html;
pub use markdown::render as markdown;
pub use matrix::Matrix;
pub use programs::Programs;
