//! arm in both byte orders: Procedure Call Standard for the Arm Architecture. The fifth argument is on the stack.

pub use super::usual::*;
use crate::language::{global_asm, include_str};

numbers! {
    WRITE = 4, EXIT = 1, EXIT_GROUP = 248, CLONE = 120, FUTEX = 240, RT_SIGACTION = 174, TGKILL = 268, GETTID = 224, GETPID = 20,
    SETITIMER = 104, WAIT4 = 114, EXECVE = 11, MMAP = 192, MUNMAP = 91, MPROTECT = 125, CLOCK_GETTIME = 263, NANOSLEEP = 162,
    CLOCK_GETTIME64 = 403, OPENAT = 322, CLOSE = 6,
}

unsafe extern "C" {
    fn trial_return();
}

/// rt_sigreturn(2), to which handlers return: as C libraries do it here, since kernels once had none of their own. From the one
/// that QEMU 11.1 has for armeb, none gets back.
pub fn restorer() -> usize {
    trial_return as *const () as usize
}

global_asm! { include_str!("arm.s"), options(raw) }
