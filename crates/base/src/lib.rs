//! What messages to people are made of: errors with a hint, numbers of things, sizes, tables.
//!
//! This crate prints nothing and knows nothing of images.

mod count;
mod hinted;
mod size;
mod table;

pub use count::count;
pub use hinted::Hinted;
pub use size::size;
pub use table::table;
