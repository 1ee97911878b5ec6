//! What several crates need and none owns: errors with a hint, and, for messages to people, numbers of
//! things, sizes and tables.
//!
//! This crate prints nothing and knows nothing of images.

mod count;
mod hint;
mod hinted;
mod size;
mod table;

pub use count::count;
pub use hint::{Hint, Listed, first_hint};
pub use hinted::{Hinted, hint};
pub use size::size;
pub use table::table;
