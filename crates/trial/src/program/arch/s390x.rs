//! s390x: ELF Application Binary Interface, s390x supplement. The sixth argument is on the stack; a caller has room for its
//! callee's registers, 160 bytes, at the end of its own.

use super::call;
pub use super::usual::{ALARM, CHILD, INFO, MAP_ANONYMOUS, MICROSECONDS_SHIFT, SIGNALS, USER};
use crate::language::global_asm;

numbers! {
    WRITE = 4, EXIT = 1, EXIT_GROUP = 248, CLONE = 120, FUTEX = 238, RT_SIGACTION = 174, TGKILL = 241, GETTID = 236, GETPID = 20,
    SETITIMER = 104, WAIT4 = 114, EXECVE = 11, MMAP = 90, MUNMAP = 91, MPROTECT = 125, CLOCK_GETTIME = 260, NANOSLEEP = 162,
    OPENAT = 288, CLOSE = 6,
}

/// A child that goes on here, in a copy of the memory; 0 for itself. `signal` is sent when it ends. The stack comes first here.
pub fn fork(signal: usize) -> isize {
    call(CLONE, 0, signal, 0)
}

global_asm! {
    ".globl _start, trial_call, trial_clone, trial_add",
    "_start:",
    "    lgr %r2, %r15",
    "    aghi %r15, -160",
    "    brasl %r14, trial_main",
    "trial_call:",
    "    stmg %r6, %r7, 48(%r15)",
    "    lgr %r1, %r2",
    "    lgr %r2, %r3",
    "    lgr %r3, %r4",
    "    lgr %r4, %r5",
    "    lgr %r5, %r6",
    "    lg %r6, 160(%r15)",
    "    lg %r7, 168(%r15)",
    "    svc 0",
    "    lmg %r6, %r7, 48(%r15)",
    "    br %r14",
    "trial_clone:",
    "    stmg %r6, %r7, 48(%r15)",
    "    lgr %r7, %r4",
    "    lgr %r1, %r2",
    "    lgr %r2, %r3",
    "    lgr %r3, %r1",
    "    lghi %r4, 0",
    "    lgr %r6, %r5",
    "    svc 120",
    "    ltgr %r2, %r2",
    "    je 2f",
    "    lmg %r6, %r7, 48(%r15)",
    "    br %r14",
    "2:",
    "    aghi %r15, -160",
    "    basr %r14, %r7",
    "trial_add:",
    "    l %r4, 0(%r2)",
    "3:",
    "    lr %r5, %r4",
    "    ar %r5, %r3",
    "    cs %r4, %r5, 0(%r2)",
    "    jne 3b",
    "    llgfr %r2, %r5",
    "    br %r14",
}
