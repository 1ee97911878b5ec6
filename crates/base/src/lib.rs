//! What messages to people are made of: errors with a hint, sizes, tables.
//!
//! This crate prints nothing and knows nothing of images.

mod hinted;
mod size;
mod table;

pub use hinted::Hinted;
pub use size::size;
pub use table::table;
