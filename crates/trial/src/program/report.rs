//! Lines about the part that begins, and about what is wrong.

use crate::failures::Failure;
use crate::kernel::{self, arch};

/// Announces a part, whose name ends with a line break and a null.
pub fn begin(name: *const u8) {
    text(b"part \0" as *const u8);
    text(name);
}

/// Ends the program with `failure` unless a number is the expected one.
pub fn check(number: isize, expected: isize, failure: Failure) {
    hold(number == expected, number, failure);
}

/// The same for a number of which something else is expected.
pub fn hold(condition: bool, number: isize, failure: Failure) {
    if !condition {
        text(b"fails \0" as *const u8);
        decimal(failure as isize);
        text(b" \0" as *const u8);
        decimal(number);
        text(b"\n\0" as *const u8);
        kernel::exit(1);
    }
}

fn text(text: *const u8) {
    const STDERR: usize = 2;
    let mut length = 0;
    while kernel::byte(text as usize, length) != 0 {
        length = length + 1;
    }
    kernel::call(arch::WRITE, STDERR, text as usize, length);
}

/// Writes a number, of which 32 bits are enough. Some machines have no division but a function of a library.
fn decimal(number: isize) {
    static mut POWERS: [u32; 10] =
        [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1000, 100, 10, 1];
    static mut DIGIT: [u8; 2] = [0; 2];
    if number < 0 {
        text(b"-\0" as *const u8);
    }
    let size = if number < 0 { -number } else { number } as u32;
    let mut rest = size;
    let mut place = 0;
    while place < 10 {
        let power = kernel::half_word(&raw mut POWERS as usize, place);
        let mut digit = 0;
        while rest >= power {
            rest = rest - power;
            digit = digit + 1;
        }
        if size >= power || power == 1 {
            unsafe { DIGIT = [b'0' + digit, 0] };
            text(&raw const DIGIT as *const u8);
        }
        place = place + 1;
    }
}
