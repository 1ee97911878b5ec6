//! x86_64: System V ABI, AMD64 supplement.

pub use super::usual::*;
use crate::language::{global_asm, include_str};

numbers! {
    WRITE = 1, EXIT = 60, EXIT_GROUP = 231, CLONE = 56, FUTEX = 202, RT_SIGACTION = 13, TGKILL = 234, GETTID = 186, GETPID = 39,
    SETITIMER = 38, WAIT4 = 61, EXECVE = 59, MMAP = 9, MUNMAP = 11, MPROTECT = 10, CLOCK_GETTIME = 228, NANOSLEEP = 35,
    OPENAT = 257, CLOSE = 3,
}

unsafe extern "C" {
    fn trial_return();
}

/// rt_sigreturn(2), which the kernel has handlers return to.
pub fn restorer() -> usize {
    trial_return as *const () as usize
}

global_asm! { include_str!("x86_64.s"), options(raw) }
