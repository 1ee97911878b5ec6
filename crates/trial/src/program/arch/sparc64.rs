//! sparc64: SPARC Compliance Definition 2.4. The stack is 2047 bytes behind where its register points; a function has room for
//! sixteen registers there, and for six arguments and more behind them.

pub use super::usual::{ALARM, MAP_ANONYMOUS, SIGNALS};
use crate::language::global_asm;

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

global_asm! {
    ".globl _start, trial_call, trial_clone, trial_add, trial_fork, trial_return",
    "_start:",
    "    add %sp, 2047 + 128, %o0",
    "    sub %sp, 176, %sp",
    "    call trial_main",
    "    nop",
    "trial_call:",
    "    save %sp, -176, %sp",
    "    mov %i0, %g1",
    "    mov %i1, %o0",
    "    mov %i2, %o1",
    "    mov %i3, %o2",
    "    mov %i4, %o3",
    "    mov %i5, %o4",
    "    ldx [%fp + 2047 + 176], %o5",
    "    ta 0x6d",
    "    bcc,pt %xcc, 2f",
    "    nop",
    "    neg %o0",
    "2:",
    "    ret",
    "    restore %o0, 0, %o0",
    "trial_fork:",
    "    mov 217, %g1",
    "    mov 0, %o1",
    "    mov 0, %o2",
    "    mov 0, %o3",
    "    mov 0, %o4",
    "    ta 0x6d",
    "    bcs,pn %xcc, 3f",
    "    sub %o1, 1, %o1",
    "    retl",
    "    and %o0, %o1, %o0",
    "3:",
    "    retl",
    "    neg %o0",
    "trial_clone:",
    "    save %sp, -176, %sp",
    "    flushw",
    "    mov 217, %g1",
    "    mov %i0, %o0",
    "    sub %i1, 2047 + 192, %o1",
    "    mov 0, %o2",
    "    mov %i3, %o3",
    "    mov %i3, %o4",
    "    ta 0x6d",
    "    bcs,pn %xcc, 4f",
    "    nop",
    "    brz,pn %o1, 5f",
    "    nop",
    "    call %i2",
    "    mov 0, %fp",
    "4:",
    "    neg %o0",
    "5:",
    "    ret",
    "    restore %o0, 0, %o0",
    "trial_add:",
    "    membar 15",
    "    lduw [%o0], %o2",
    "6:",
    "    add %o2, %o1, %o3",
    "    mov %o3, %o4",
    "    cas [%o0], %o2, %o3",
    "    cmp %o2, %o3",
    "    bne,a,pn %icc, 6b",
    "    mov %o3, %o2",
    "    membar 15",
    "    retl",
    "    srl %o4, 0, %o0",
    "trial_return:",
    "    mov 101, %g1",
    "    ta 0x6d",
}
