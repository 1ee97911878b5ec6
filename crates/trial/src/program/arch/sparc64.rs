//! sparc64: SPARC Compliance Definition 2.4. The stack is 2047 bytes behind where its register points; a function has room for
//! sixteen registers there, and for six arguments and more behind them.

pub use super::usual::{ALARM, MAP_ANONYMOUS, SIGNALS};
use crate::language::{global_asm, include_str};

numbers! {
    WRITE = 4, EXIT = 1, EXIT_GROUP = 188, CLONE = 217, FUTEX = 142, RT_SIGACTION = 102, TGKILL = 211, GETTID = 143, GETPID = 20,
    SETITIMER = 83, WAIT4 = 7, EXECVE = 59, MMAP = 71, MUNMAP = 73, MPROTECT = 74, CLOCK_GETTIME = 257, NANOSLEEP = 249,
    OPENAT = 284, CLOSE = 6,
    USER = 30, CHILD = 20, INFO = 0x200, MICROSECONDS_SHIFT = 32,
}

unsafe extern "C" {
    fn trial_fork(signal: usize) -> isize;
    fn trial_return();
}

/// A child that goes on here, in a copy of the memory; 0 for itself. `signal` is sent when it ends. A second register tells
/// who is the child.
pub fn fork(signal: usize) -> isize {
    unsafe { trial_fork(signal) }
}

/// rt_sigreturn(2), to which handlers return as to a call: by two instructions more.
pub fn restorer() -> usize {
    trial_return as *const () as usize - 8
}

global_asm! { include_str!("sparc64.s"), options(raw) }
