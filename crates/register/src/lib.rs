//! `register`: tells the kernel which QEMU runs which foreign programs.
//!
//! The stages, in reading order: [`args`] collects the arguments, without side effects; [`request`] fills it up from the
//! [`environment`] and makes names into targets; [`want`] decides which entries the kernel is to hold, from what the
//! [`machine`] and each [`interpreter`] are; [`apply`] makes the kernel hold them; [`check`] proves them by running a
//! [`program`], and with `--check=full` (`full`) one that does more. The module `registration` puts these together, for both command lines: `register` prints as this program
//! does, [`install`] as tonistiigi/binfmt does. [`run`] is the outline. [`status`] and [`export`] are the other things that a
//! command line can ask for; [`help`] is the text that it prints about itself, and that manual pages are made from.

pub mod apply;
pub mod args;
pub mod check;
mod confined;
mod context;
mod copy;
pub mod cpu;
pub mod environment;
pub mod error;
mod escape;
pub mod export;
mod exposure;
mod full;
pub mod help;
pub mod install;
pub mod interpreter;
pub mod interrupt;
mod inventory;
mod json;
mod lifetime;
pub mod machine;
pub mod output;
pub mod owner;
mod pattern;
pub mod prelude;
mod program_file;
mod proof;
mod register;
mod registration;
mod remove;
pub mod request;
mod rival;
pub mod run;
mod same;
mod shell;
pub mod status;
mod trials;
pub mod want;
mod winner;

pub use arch::program;
pub use qemu::version;
