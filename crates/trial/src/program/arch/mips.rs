//! mips and mipsel: System V ABI, MIPS supplement (o32). From the fifth on, arguments are on the stack, behind room for four.

pub use super::usual::{ALARM, MICROSECONDS_SHIFT, fork};
use crate::language::{global_asm, include_str};

numbers! {
    WRITE = 4004, EXIT = 4001, EXIT_GROUP = 4246, CLONE = 4120, FUTEX = 4238, RT_SIGACTION = 4194, TGKILL = 4266, GETTID = 4222,
    GETPID = 4020, SETITIMER = 4104, WAIT4 = 4114, EXECVE = 4011, MMAP = 4210, MUNMAP = 4091, MPROTECT = 4125,
    CLOCK_GETTIME = 4263, NANOSLEEP = 4166, CLOCK_GETTIME64 = 4403, OPENAT = 4288, CLOSE = 4006,
    MAP_ANONYMOUS = 0x800, SIGNALS = 128, USER = 16, CHILD = 18, INFO = 8, FLAGS_SHIFT = 0,
}

global_asm! { include_str!("mips.s"), options(raw) }
