//! ppc64 and ppc64le: 64-Bit ELF V2 ABI. A function finds its data from r2, or from its own address in r12.

pub use super::usual::*;
use crate::language::{global_asm, include_str};

numbers! {
    WRITE = 4, EXIT = 1, EXIT_GROUP = 234, CLONE = 120, FUTEX = 221, RT_SIGACTION = 173, TGKILL = 250, GETTID = 207, GETPID = 20,
    SETITIMER = 104, WAIT4 = 114, EXECVE = 11, MMAP = 90, MUNMAP = 91, MPROTECT = 125, CLOCK_GETTIME = 246, NANOSLEEP = 162,
    OPENAT = 286, CLOSE = 6,
}

global_asm! { include_str!("powerpc64.s"), options(raw) }
