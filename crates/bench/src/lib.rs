//! Speed, sizes and cost, on the real packages and next to what it should be.
//!
//! [`Suite`] has a method for each benchmark of ours, [`emulation()`] is QEMU's. Builds run as children of this program, with a cache of their own that has the
//! packages and nothing made from them (`scratch`), so nothing of the user's is thrown away. A ratio is made of runs that took
//! turns, so that a busy moment hits both sides. A [`Record`] is kept in a file after each benchmark, so that one that fails
//! takes none with it; running one benchmark again replaces its figures and the table made from them.
//!
//! This crate builds nothing by itself, and measures nothing in its own process.

mod child;
mod cold;
pub mod emulation;
mod figure;
mod first_run;
mod flow;
mod push;
mod readme;
mod record;
mod register;
mod results;
mod run;
mod scratch;
mod suite;

pub use emulation::emulation;
pub use figure::Figure;
pub use record::Record;
pub use suite::Suite;
