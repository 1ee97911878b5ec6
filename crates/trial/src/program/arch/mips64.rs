//! mips64 and mips64el: MIPSpro N64 ABI.

pub use super::usual::{ALARM, MICROSECONDS_SHIFT, fork};
use crate::language::global_asm;

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

global_asm! {
    ".globl _start, trial_call, trial_clone, trial_add",
    ".set reorder",
    "_start:",
    "    move $4, $sp",
    "    li $8, -16",
    "    and $sp, $sp, $8",
    "    dla $25, trial_main",
    "    jalr $25",
    "trial_call:",
    "    move $2, $4",
    "    move $4, $5",
    "    move $5, $6",
    "    move $6, $7",
    "    move $7, $8",
    "    move $8, $9",
    "    move $9, $10",
    "    syscall",
    "2:",
    "    beqz $7, 3f",
    "    dnegu $2, $2",
    "3:",
    "    jr $31",
    "trial_clone:",
    "    daddiu $5, $5, -16",
    "    sd $6, 0($5)",
    "    move $8, $7",
    "    move $6, $0",
    "    li $2, 5055",
    "    syscall",
    "    bnez $7, 2b",
    "    bnez $2, 2b",
    "    ld $25, 0($sp)",
    "    jalr $25",
    "trial_add:",
    "    sync",
    "4:",
    "    ll $8, 0($4)",
    "    addu $2, $8, $5",
    "    move $8, $2",
    "    sc $8, 0($4)",
    "    beqz $8, 4b",
    "    sync",
    "    jr $31",
}
