//! clock_gettime(2) and nanosleep(2), with times of 64 bits, too, where those of 32 came first.

use crate::failures::Failure;
use crate::kernel::{arch, call, word};
use crate::report::{check, hold};

const REALTIME: usize = 0;
const MONOTONIC: usize = 1;

const BEGINNING_OF_2020: isize = 1_577_836_800;

const SECOND: isize = 1_000_000_000;
const NAP: isize = 30_000_000;

/// Two numbers of up to 64 bits: seconds and nanoseconds.
static mut TIME: [u64; 2] = [0; 2];

pub fn run() {
    read(REALTIME);
    let now = seconds();
    hold(now > BEGINNING_OF_2020, now, Failure::OldTime);
    #[cfg(target_pointer_width = "32")]
    compare(now);
    read(MONOTONIC);
    let (second, nanosecond) = (seconds(), nanoseconds());
    check(sleep(0, NAP as usize), 0, Failure::NoSleep);
    read(MONOTONIC);
    let passed = seconds() - second;
    hold(passed >= 0 && passed < 15, passed, Failure::LongSleep);
    // More seconds than one might be more nanoseconds than 32 bits hold.
    if passed < 2 {
        let passed = passed * SECOND + nanoseconds() - nanosecond;
        hold(passed >= NAP, passed, Failure::ShortSleep);
    }
}

fn read(clock: usize) {
    #[cfg(not(target_arch = "riscv32"))]
    let number = arch::CLOCK_GETTIME;
    #[cfg(target_arch = "riscv32")]
    let number = arch::CLOCK_GETTIME64;
    check(call(number, clock, &raw mut TIME as usize, 0), 0, Failure::NoTime);
}

fn seconds() -> isize {
    word(&raw mut TIME as usize, SECONDS) as isize
}

fn nanoseconds() -> isize {
    word(&raw mut TIME as usize, NANOSECONDS) as isize
}

/// The places of both numbers, in words.
#[cfg(not(target_arch = "riscv32"))]
const SECONDS: usize = 0;
#[cfg(not(target_arch = "riscv32"))]
const NANOSECONDS: usize = 1;
/// There are no times of 32 bits here. Lower halves come first.
#[cfg(target_arch = "riscv32")]
const SECONDS: usize = 0;
#[cfg(target_arch = "riscv32")]
const NANOSECONDS: usize = 2;

/// Compares a time with that of 64 bits.
#[cfg(target_pointer_width = "32")]
fn compare(now: isize) {
    /// ENOSYS: Linux has had it since 5.1.
    #[cfg(not(target_arch = "mips"))]
    const UNKNOWN: isize = -38;
    #[cfg(target_arch = "mips")]
    const UNKNOWN: isize = -89;
    #[cfg(target_endian = "little")]
    const LOW: usize = 0;
    #[cfg(target_endian = "big")]
    const LOW: usize = 1;
    let time = &raw mut TIME as usize;
    let result = call(arch::CLOCK_GETTIME64, REALTIME, time, 0);
    if result != UNKNOWN {
        check(result, 0, Failure::NoTime64);
        check(word(time, 1 - LOW) as isize, 0, Failure::AnotherTime64);
        let difference = word(time, LOW) as isize - now;
        hold(difference >= 0 && difference < 15, difference, Failure::AnotherTime64);
    }
}

/// Sleeps; a negative error if something comes between.
pub fn sleep(seconds: usize, nanoseconds: usize) -> isize {
    #[cfg(not(target_arch = "riscv32"))]
    {
        let mut time = [seconds, nanoseconds];
        call(arch::NANOSLEEP, &raw mut time as usize, 0, 0)
    }
    #[cfg(target_arch = "riscv32")]
    {
        let mut time = [seconds, 0, nanoseconds, 0];
        call(arch::CLOCK_NANOSLEEP_TIME64, MONOTONIC, 0, &raw mut time as usize)
    }
}
