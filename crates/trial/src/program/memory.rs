//! mmap(2), munmap(2), mprotect(2): memory of its own, at a place of its choice, and a file's.

use crate::failures::Failure;
use crate::kernel::arch::{CLOSE, MAP_ANONYMOUS, MPROTECT, MUNMAP, OPENAT};
use crate::kernel::{self, PAGE, arch, call, half_word};
use crate::report::{check, hold};

pub const READ: usize = 1;
pub const READ_AND_WRITE: usize = 3;

const MAP_PRIVATE: usize = 2;
const MAP_FIXED: usize = 0x10;
const CURRENT_FOLDER: usize = -100isize as usize;
const NO_FILE: usize = -1isize as usize;

/// The smallest page of any target.
const SMALL_PAGE: usize = 4096;

/// `own` is the path of this program's file.
pub fn run(own: usize) {
    let start = pages(4);
    let end = start + 4 * PAGE;
    check((start % SMALL_PAGE) as isize, 0, Failure::NotAtPage);
    let mut at = start;
    while at < end {
        check(half_word(at, 0) as isize, 0, Failure::NotEmpty);
        put(at, at as u32);
        put(at + PAGE - 4, at as u32);
        at = at + PAGE;
    }
    protect(start, READ);
    let second = start + PAGE;
    unmap(second, PAGE);
    check(map(second, PAGE, MAP_ANONYMOUS | MAP_FIXED, NO_FILE), second as isize, Failure::NotFixed);
    check(half_word(second, 0) as isize, 0, Failure::NotEmpty);
    let mut at = start;
    while at < end {
        if at != second {
            hold(half_word(at, 0) == at as u32, at as isize, Failure::NotSpared);
            hold(half_word(at + PAGE - 4, 0) == at as u32, at as isize, Failure::NotSpared);
        }
        at = at + PAGE;
    }
    unmap(start, 4 * PAGE);

    let file = call(OPENAT, CURRENT_FOLDER, own, 0);
    hold(file >= 0, file, Failure::NotOpened);
    let mapped = map(0, SMALL_PAGE, 0, file as usize);
    hold(is_address(mapped), mapped, Failure::FileNotMapped);
    let mut at = 0;
    while at < HEADER {
        let expected = kernel::byte(&raw const __ehdr_start as usize, at);
        check(kernel::byte(mapped as usize, at) as isize, expected as isize, Failure::AnotherFile);
        at = at + 1;
    }
    unmap(mapped as usize, SMALL_PAGE);
    check(call(CLOSE, file as usize, 0, 0), 0, Failure::NotClosed);
}

unsafe extern "C" {
    /// The program's beginning in memory, by the linker's name.
    static __ehdr_start: [u8; HEADER];
}

/// The size of the header of an ELF file of 32 bits.
const HEADER: usize = 52;

/// Some pages that only this process has.
pub fn pages(count: usize) -> usize {
    let start = map(0, count * PAGE, MAP_ANONYMOUS, NO_FILE);
    hold(is_address(start), start, Failure::NotMapped);
    start as usize
}

/// Forbids all but reading, or allows writing again.
pub fn protect(page: usize, protection: usize) {
    check(call(MPROTECT, page, PAGE, protection), 0, Failure::NotProtected);
}

/// True of a result that is no error: the last page of addresses is nobody's.
fn is_address(result: isize) -> bool {
    result > 0 || result < -4095
}

fn unmap(start: usize, size: usize) {
    check(call(MUNMAP, start, size, 0), 0, Failure::NotUnmapped);
}

fn map(address: usize, length: usize, flags: usize, file: usize) -> isize {
    let flags = flags | MAP_PRIVATE;
    // The offset is 0 in either unit, bytes or pages.
    #[cfg(not(target_arch = "s390x"))]
    return kernel::call_with_six(arch::MMAP, address, length, READ_AND_WRITE, flags, file, 0);
    // s390x takes the arguments from memory.
    #[cfg(target_arch = "s390x")]
    {
        let mut arguments = [address, length, READ_AND_WRITE, flags, file, 0];
        call(arch::MMAP, &raw mut arguments as usize, 0, 0)
    }
}

/// Writes a number to memory.
pub fn put(address: usize, number: u32) {
    unsafe { *(address as *mut u32) = number }
}
