//! x86_64: System V ABI, AMD64 supplement.

pub use super::usual::*;
use crate::language::global_asm;

numbers! {
    WRITE = 1, EXIT = 60, EXIT_GROUP = 231, CLONE = 56, FUTEX = 202, RT_SIGACTION = 13, TGKILL = 234, GETTID = 186, GETPID = 39,
    SETITIMER = 38, WAIT4 = 61, EXECVE = 59, MMAP = 9, MUNMAP = 11, MPROTECT = 10, CLOCK_GETTIME = 228, NANOSLEEP = 35,
    OPENAT = 257, CLOSE = 3,
}

unsafe extern "C" {
    fn trial_return();
}

/// rt_sigreturn(2), which the kernel has handlers return to.
pub fn restorer() -> usize {
    trial_return as *const () as usize
}

global_asm! {
    ".globl _start, trial_call, trial_clone, trial_add, trial_return",
    "_start:",
    "    mov rdi, rsp",
    "    and rsp, -16",
    "    call trial_main",
    "trial_call:",
    "    mov rax, rdi",
    "    mov rdi, rsi",
    "    mov rsi, rdx",
    "    mov rdx, rcx",
    "    mov r10, r8",
    "    mov r8, r9",
    "    mov r9, [rsp + 8]",
    "    syscall",
    "    ret",
    "trial_clone:",
    "    mov eax, 56",
    "    mov r9, rdx",
    "    xor edx, edx",
    "    mov r10, rcx",
    "    mov r8, rcx",
    "    syscall",
    "    test rax, rax",
    "    jz 2f",
    "    ret",
    "2:",
    "    call r9",
    "trial_add:",
    "    mov eax, esi",
    "    lock xadd [rdi], eax",
    "    add eax, esi",
    "    ret",
    "trial_return:",
    "    mov eax, 15",
    "    syscall",
}
