//! Memory that was freed goes back to the system.
//!
//! glibc serves large buffers from mappings of their own, until the first is freed: from then on it keeps buffers of that
//! size (`mallopt(3)`, "dynamic mmap threshold"). A build has a few buffers of 17 MB on each thread at any time, and would
//! hold several times that.
//!
//! # Safety
//!
//! `mallopt` takes two numbers and touches no memory of ours.

#![allow(unsafe_code)]

/// Buffers of more than a MiB get mappings of their own, from now on. To be called before there are threads.
pub(crate) fn return_what_is_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: see above. It fails only for parameters that it does not know, and then all is as before.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
    }
}
