//! s390x: ELF Application Binary Interface, s390x supplement. The sixth argument is on the stack; a caller has room for its
//! callee's registers, 160 bytes, at the end of its own.

use super::call;
pub use super::usual::{ALARM, CHILD, INFO, MAP_ANONYMOUS, MICROSECONDS_SHIFT, SIGNALS, USER};
use crate::language::{global_asm, include_str};

numbers! {
    WRITE = 4, EXIT = 1, EXIT_GROUP = 248, CLONE = 120, FUTEX = 238, RT_SIGACTION = 174, TGKILL = 241, GETTID = 236, GETPID = 20,
    SETITIMER = 104, WAIT4 = 114, EXECVE = 11, MMAP = 90, MUNMAP = 91, MPROTECT = 125, CLOCK_GETTIME = 260, NANOSLEEP = 162,
    OPENAT = 288, CLOSE = 6,
}

/// A child that goes on here, in a copy of the memory; 0 for itself. `signal` is sent when it ends. The stack comes first here.
pub fn fork(signal: usize) -> isize {
    call(CLONE, 0, signal, 0)
}

global_asm! { include_str!("s390x.s"), options(raw) }
