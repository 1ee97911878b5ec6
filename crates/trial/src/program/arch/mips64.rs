//! mips64 and mips64el: MIPSpro N64 ABI.

pub use super::usual::{ALARM, MICROSECONDS_SHIFT, fork};
use crate::language::{global_asm, include_str};

numbers! {
    WRITE = 5001, EXIT = 5058, EXIT_GROUP = 5205, CLONE = 5055, FUTEX = 5194, RT_SIGACTION = 5013, TGKILL = 5225, GETTID = 5178,
    GETPID = 5038, SETITIMER = 5036, WAIT4 = 5059, EXECVE = 5057, MMAP = 5009, MUNMAP = 5011, MPROTECT = 5010,
    CLOCK_GETTIME = 5222, NANOSLEEP = 5034, OPENAT = 5247, CLOSE = 5003,
    MAP_ANONYMOUS = 0x800, SIGNALS = 128, USER = 16, CHILD = 18, INFO = 8,
}

/// The place of `sa_flags` in its word.
#[cfg(target_endian = "big")]
pub const FLAGS_SHIFT: usize = 32;
#[cfg(target_endian = "little")]
pub const FLAGS_SHIFT: usize = 0;

global_asm! { include_str!("mips64.s"), options(raw) }
