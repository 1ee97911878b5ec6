//! The things that several crates need and none owns: errors with a hint, threads that share work, the runtime, locks of files, parts of
//! TOML, and, for messages to people, numbers of things, sizes and tables.
//!
//! This crate prints nothing and knows nothing of images.

mod count;
mod explain;
mod fill;
mod hint;
mod hinted;
mod lock;
mod pool;
mod runtime;
mod size;
mod table;
mod toml;

pub use count::count;
pub use explain::explain;
pub use fill::fill;
pub use hint::{Hint, Listed, first_hint};
pub use hinted::{Hinted, hint};
pub use lock::LockFile;
pub use pool::{jobs, lock, pool, unlock, wait};
pub use runtime::runtime;
pub use size::size;
pub use table::table;
pub use toml::{Quoted, line_of};
