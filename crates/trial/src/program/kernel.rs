//! System calls and memory, as numbers.

#[cfg_attr(target_arch = "aarch64", path = "arch/aarch64.rs")]
#[cfg_attr(target_arch = "arm", path = "arch/arm.rs")]
#[cfg_attr(target_arch = "hexagon", path = "arch/hexagon.rs")]
#[cfg_attr(target_arch = "loongarch64", path = "arch/loongarch64.rs")]
#[cfg_attr(target_arch = "mips", path = "arch/mips.rs")]
#[cfg_attr(target_arch = "mips64", path = "arch/mips64.rs")]
#[cfg_attr(target_arch = "powerpc", path = "arch/powerpc.rs")]
#[cfg_attr(target_arch = "powerpc64", path = "arch/powerpc64.rs")]
#[cfg_attr(any(target_arch = "riscv32", target_arch = "riscv64"), path = "arch/riscv.rs")]
#[cfg_attr(target_arch = "s390x", path = "arch/s390x.rs")]
#[cfg_attr(target_arch = "sparc64", path = "arch/sparc64.rs")]
#[cfg_attr(target_arch = "x86", path = "arch/x86.rs")]
#[cfg_attr(target_arch = "x86_64", path = "arch/x86_64.rs")]
pub mod arch;
#[path = "arch/newest.rs"]
mod newest;
#[path = "arch/usual.rs"]
mod usual;

unsafe extern "C" {
    fn trial_call(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize;
    fn trial_clone(flags: usize, stack: usize, function: extern "C" fn() -> !, word: *mut u32) -> isize;
    fn trial_add(word: *mut u32, number: u32) -> u32;
}

/// EINTR, as system calls give it back.
pub const INTERRUPTED: isize = -4;

/// The largest page that a kernel for any of the targets has.
pub const PAGE: usize = 0x1_0000;

/// The system call `number` with three arguments: its result, or a negative error.
#[inline(never)]
pub fn call(number: usize, a: usize, b: usize, c: usize) -> isize {
    call_with_six(number, a, b, c, 0, 0, 0)
}

/// The same with six.
pub fn call_with_six(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    unsafe { trial_call(number, a, b, c, d, e, f) }
}

/// clone(2): a child that calls `function` on another stack, of which this is the end. Where `flags` ask for it, the kernel
/// zeroes `word` when the child ends.
pub fn spawn(flags: usize, stack: usize, function: extern "C" fn() -> !, word: *mut u32) -> isize {
    unsafe { trial_clone(flags, stack, function, word) }
}

/// wait4(2)
#[cfg(not(target_arch = "riscv32"))]
fn wait_for(child: usize, status: usize) -> isize {
    let result = call(arch::WAIT4, child, status, 0);
    if result == child as isize { half_word(status, 0) as isize } else { result }
}

/// waitid(2), which is all that the newest ABI has.
#[cfg(target_arch = "riscv32")]
fn wait_for(child: usize, status: usize) -> isize {
    const PID: usize = 1;
    const EXITED: usize = 4;
    let result = call_with_six(arch::WAITID, PID, child, status, EXITED, 0, 0);
    match (result, half_word(status, 2), half_word(status, 5)) {
        (0, 1, code) => (code << 8) as isize,
        (0, _, signal) => signal as isize,
        (error, _, _) => error,
    }
}

/// Adds to a word that others change, too, by an atomic instruction, and returns the sum.
pub fn add(word: *mut u32, number: u32) -> u32 {
    unsafe { trial_add(word, number) }
}

/// The value of such a word.
pub fn load(word: *mut u32) -> u32 {
    add(word, 0)
}

pub fn exit(status: isize) -> ! {
    loop {
        call(arch::EXIT_GROUP, status as usize, 0, 0);
    }
}

/// Ends this thread.
pub fn leave() -> ! {
    loop {
        call(arch::EXIT, 0, 0, 0);
    }
}

/// Sends a signal to a thread of this process.
pub fn signal(thread: isize, signal: usize) -> isize {
    let process = call(arch::GETPID, 0, 0, 0);
    call(arch::TGKILL, process as usize, thread as usize, signal)
}

/// Waits until `word` is woken, unless it has another value than `value` already. It may end earlier.
pub fn wait(word: *mut u32, value: u32) {
    call(arch::FUTEX, word as usize, FUTEX_WAIT, value as usize);
}

/// Wakes all who wait for `word`.
pub fn wake(word: *mut u32) {
    call(arch::FUTEX, word as usize, FUTEX_WAKE, 0x7fff_ffff);
}

/// Waits until a child has ended, and returns the status that wait(2) describes.
pub fn status(child: isize) -> isize {
    /// The `int` of wait4(2), or the `siginfo_t` of waitid(2).
    static mut STATUS: [u32; 32] = [0; 32];
    let status = &raw mut STATUS as usize;
    loop {
        let result = wait_for(child as usize, status);
        if result != INTERRUPTED {
            return result;
        }
    }
}

/// The byte at a place behind an address.
pub fn byte(address: usize, at: usize) -> u8 {
    unsafe { *((address + at) as *const u8) }
}

/// The 32-bit number there, counted in such numbers.
pub fn half_word(address: usize, at: usize) -> u32 {
    unsafe { *((address + at * 4) as *const u32) }
}

/// The address or `long` there, counted in such.
pub fn word(address: usize, at: usize) -> usize {
    unsafe { *((address + at * WORD) as *const usize) }
}

/// The size of an address.
#[cfg(target_pointer_width = "64")]
pub const WORD: usize = 8;
#[cfg(target_pointer_width = "32")]
pub const WORD: usize = 4;

const FUTEX_WAIT: usize = 0;
const FUTEX_WAKE: usize = 1;
