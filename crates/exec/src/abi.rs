//! The calling conventions of a machine's kernel: the numbers of the system calls that are watched, and of those that a process
//! is made to call.
//!
//! From the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl, scripts/syscall.tbl, arch/arm/tools/
//! syscall.tbl, arch/s390/kernel/syscalls/syscall.tbl) and include/uapi/linux/audit.h.

/// One of them; a 64-bit kernel has one for 32-bit programs too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abi {
    /// `AUDIT_ARCH_*`, by which seccomp tells them apart.
    pub audit: u32,
    /// The bytes of a pointer.
    pub pointer: usize,
    /// True if the low half of a 64-bit argument comes first in memory.
    pub is_little_endian: bool,
    /// `execve`
    pub execve: u32,
    /// `execveat`
    pub execveat: u32,
    /// `mmap`, or the one that counts pages (`mmap2`).
    pub mmap: u32,
    /// `munmap`
    pub munmap: u32,
    /// `close`
    pub close: u32,
    /// `prctl`
    pub prctl: u32,
    /// `socket`
    pub socket: u32,
    /// `connect`
    pub connect: u32,
    /// `recvmsg`
    pub recvmsg: u32,
}

/// The number of x32 calls on amd64 has this bit.
const X32: u32 = 0x4000_0000;

/// 64-bit programs on amd64.
pub const AMD64: Abi = Abi {
    audit: 0xc000_003e,
    pointer: 8,
    is_little_endian: true,
    execve: 59,
    execveat: 322,
    mmap: 9,
    munmap: 11,
    close: 3,
    prctl: 157,
    socket: 41,
    connect: 42,
    recvmsg: 47,
};

/// Programs on amd64 with 64-bit registers and 32-bit pointers.
pub const X32_ABI: Abi = Abi {
    pointer: 4,
    execve: X32 | 520,
    execveat: X32 | 545,
    mmap: X32 | 9,
    munmap: X32 | 11,
    close: X32 | 3,
    prctl: X32 | 157,
    socket: X32 | 41,
    connect: X32 | 42,
    recvmsg: X32 | 519,
    ..AMD64
};

/// 32-bit programs on amd64 and i386.
pub const I386: Abi = Abi {
    audit: 0x4000_0003,
    pointer: 4,
    is_little_endian: true,
    execve: 11,
    execveat: 358,
    mmap: 192,
    munmap: 91,
    close: 6,
    prctl: 172,
    socket: 359,
    connect: 362,
    recvmsg: 372,
};

/// 64-bit programs on arm64v8.
pub const ARM64: Abi = Abi {
    audit: 0xc000_00b7,
    pointer: 8,
    is_little_endian: true,
    execve: 221,
    execveat: 281,
    mmap: 222,
    munmap: 215,
    close: 57,
    prctl: 167,
    socket: 198,
    connect: 203,
    recvmsg: 212,
};

/// 32-bit programs on arm64v8.
pub const ARM: Abi = Abi {
    audit: 0x4000_0028,
    pointer: 4,
    is_little_endian: true,
    execve: 11,
    execveat: 387,
    mmap: 192,
    munmap: 91,
    close: 6,
    prctl: 172,
    socket: 281,
    connect: 283,
    recvmsg: 297,
};

/// 64-bit programs on s390x. `mmap` takes its arguments in memory there.
pub const S390X: Abi = Abi {
    audit: 0x8000_0016,
    pointer: 8,
    is_little_endian: false,
    execve: 11,
    execveat: 354,
    mmap: 90,
    munmap: 91,
    close: 6,
    prctl: 172,
    socket: 359,
    connect: 362,
    recvmsg: 372,
};
