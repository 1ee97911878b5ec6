//! The system calls of machines that Linux has supported since 2008: `include/uapi/asm-generic/unistd.h`.

numbers! {
    WRITE = 64, EXIT = 93, EXIT_GROUP = 94, CLONE = 220, RT_SIGACTION = 134, TGKILL = 131, GETTID = 178, GETPID = 172,
    SETITIMER = 103, EXECVE = 221, MMAP = 222, MUNMAP = 215, MPROTECT = 226,
    OPENAT = 56, CLOSE = 57,
}

// Those that machines of 32 bits since 2020 do not have.
#[cfg(not(target_arch = "riscv32"))]
numbers! { FUTEX = 98, WAIT4 = 260, CLOCK_GETTIME = 113, NANOSLEEP = 101, }
#[cfg(target_arch = "riscv32")]
numbers! { FUTEX = 422, WAITID = 95, CLOCK_NANOSLEEP_TIME64 = 407, }

#[cfg(target_pointer_width = "32")]
numbers! { CLOCK_GETTIME64 = 403, }
