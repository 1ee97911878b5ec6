//! The signals that this process inherits as ignored, and no others, go on to the program that it becomes (execve(2)).
//!
//! Two need care. Rust's runtime ignores SIGPIPE before `main`. And a process that ignores SIGCHLD cannot wait for its children
//! (wait(2)), as this one has to.
//!
//! # Safety
//! No handler is installed. `begin` runs before the runtime does, and needs none of it.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

static PIPE: AtomicBool = AtomicBool::new(false);
static CHILD: AtomicBool = AtomicBool::new(false);

/// The signals, with true if they were ignored when this process began.
const INHERITED: [(i32, &AtomicBool); 2] = [(libc::SIGPIPE, &PIPE), (libc::SIGCHLD, &CHILD)];

#[used]
#[unsafe(link_section = ".init_array")]
static BEGIN: extern "C" fn() = begin;

extern "C" fn begin() {
    for (signal, is_ignored) in INHERITED {
        // SAFETY: see the module.
        let before = unsafe { libc::signal(signal, libc::SIG_DFL) };
        is_ignored.store(before == libc::SIG_IGN, Ordering::Relaxed);
    }
}

/// Ignores the signals that were ignored when this process began, and no others.
pub(crate) fn restore() {
    for (signal, is_ignored) in INHERITED {
        let action = if is_ignored.load(Ordering::Relaxed) { libc::SIG_IGN } else { libc::SIG_DFL };
        // SAFETY: see the module.
        unsafe { libc::signal(signal, action) };
    }
}
