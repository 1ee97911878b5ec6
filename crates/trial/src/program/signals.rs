//! Handlers of signals: from itself, from a page that must not be written, and from a timer.

use crate::clock;
use crate::failures::Failure;
use crate::kernel::arch::{self, ALARM, INFO, USER};
use crate::kernel::{self, WORD, add, call, call_with_six, load};
use crate::memory::{READ, READ_AND_WRITE, pages, protect, put};
use crate::report::{check, hold};

const SEGMENT: usize = 11;

/// `si_addr` in `siginfo_t`, in words: it follows three numbers of 32 bits.
const ADDRESS: usize = if WORD == 8 { 2 } else { 3 };

/// A thread's answer to the signal.
pub static mut ANSWERS: u32 = 0;
/// The thread that gave the last one.
pub static mut ANSWERER: isize = 0;

static mut ALARMS: u32 = 0;
static mut FAULTS: u32 = 0;
static mut FAULT: usize = 0;
/// A page that cannot be written before its first fault.
static mut PROTECTED: usize = 0;

pub fn run() {
    handle(USER);
    handle(SEGMENT);
    handle(ALARM);

    let own = call(arch::GETTID, 0, 0, 0);
    check(kernel::signal(own, USER), 0, Failure::NotSent);
    check(load(&raw mut ANSWERS) as isize, 1, Failure::NotHandledOnce);
    check(unsafe { ANSWERER }, own, Failure::AnotherThread);

    let page = pages(1);
    // The call after it keeps it before the write.
    unsafe { PROTECTED = page };
    protect(page, READ);
    put(page, 5);
    check(load(&raw mut FAULTS) as isize, 1, Failure::FaultNotHandledOnce);
    check(unsafe { FAULT } as isize, page as isize, Failure::AnotherFault);
    check(kernel::half_word(page, 0) as isize, 5, Failure::FaultNotResumed);

    // Again and again: the first one may come before the sleep.
    timer(20_000);
    check(clock::sleep(10, 0), kernel::INTERRUPTED, Failure::NotInterrupted);
    timer(0);
    hold(load(&raw mut ALARMS) > 0, 0, Failure::NoAlarm);
}

extern "C" fn handler(signal: i32, information: usize, _context: usize) {
    check(kernel::half_word(information, 0) as isize, signal as isize, Failure::AnotherSignal);
    let signal = signal as usize;
    if signal == ALARM {
        add(&raw mut ALARMS, 1);
    } else if signal == SEGMENT {
        unsafe { FAULT = kernel::word(information, ADDRESS) };
        // Where the memory cannot be made writable, faults would go on for ever.
        check(add(&raw mut FAULTS, 1) as isize, 1, Failure::FaultNotHandledOnce);
        protect(unsafe { PROTECTED }, READ_AND_WRITE);
    } else {
        unsafe { ANSWERER = call(arch::GETTID, 0, 0, 0) };
        add(&raw mut ANSWERS, 1);
        kernel::wake(&raw mut ANSWERS);
    }
}

/// SA_RESTORER
#[cfg(any(target_arch = "arm", target_arch = "x86", target_arch = "x86_64"))]
const RESTORER: usize = 0x0400_0000;

/// sigaction(2)
fn handle(signal: usize) {
    // Behind the flags there is a restorer, or the mask, which is empty.
    #[cfg(not(any(
        target_arch = "arm",
        target_arch = "x86",
        target_arch = "x86_64",
        target_arch = "mips",
        target_arch = "mips64"
    )))]
    let mut action = [handler as *const () as usize, INFO, 0, 0, 0, 0];
    #[cfg(any(target_arch = "arm", target_arch = "x86", target_arch = "x86_64"))]
    let mut action = [handler as *const () as usize, INFO | RESTORER, arch::restorer(), 0, 0];
    // The flags are an `unsigned int` that comes first.
    #[cfg(any(target_arch = "mips", target_arch = "mips64"))]
    let mut action = [INFO << arch::FLAGS_SHIFT, handler as *const () as usize, 0, 0, 0, 0];
    let action = &raw mut action as usize;
    #[cfg(not(target_arch = "sparc64"))]
    let result = call_with_six(arch::RT_SIGACTION, signal, action, 0, arch::SIGNALS / 8, 0, 0);
    #[cfg(target_arch = "sparc64")]
    let result = call_with_six(arch::RT_SIGACTION, signal, action, 0, arch::restorer(), arch::SIGNALS / 8, 0);
    check(result, 0, Failure::NoHandler);
}

/// setitimer(2) of real time; 0 stops it.
fn timer(microseconds: usize) {
    let microseconds = microseconds << arch::MICROSECONDS_SHIFT;
    let mut times = [0, microseconds, 0, microseconds];
    check(call(arch::SETITIMER, 0, &raw mut times as usize, 0), 0, Failure::NoTimer);
}
