//! QEMU's own files: what both programs that ship need to know of them without running them.

pub mod version;

pub use version::{Finder, Version};
