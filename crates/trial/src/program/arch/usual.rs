//! The numbers that most of Linux's ABIs have in common, and fork(2) by clone(2).

pub const MAP_ANONYMOUS: usize = 0x20;
/// The number of signals.
pub const SIGNALS: usize = 64;
/// SIGUSR1
pub const USER: usize = 10;
/// SIGALRM
pub const ALARM: usize = 14;
/// SIGCHLD
pub const CHILD: usize = 17;
/// SA_SIGINFO
pub const INFO: usize = 4;
/// The place of `tv_usec` in its word.
pub const MICROSECONDS_SHIFT: usize = 0;

/// A child that goes on here, in a copy of the memory; 0 for itself. `signal` is sent when it ends.
pub fn fork(signal: usize) -> isize {
    super::call(super::arch::CLONE, signal, 0, 0)
}
