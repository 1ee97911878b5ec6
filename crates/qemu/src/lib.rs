//! QEMU's own files: what both programs that ship need to know of them.

mod models;
mod tables;
pub mod version;

pub use models::models;
pub use tables::Tables;
pub use version::{Finder, Version};
