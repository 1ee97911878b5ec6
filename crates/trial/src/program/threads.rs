//! Threads: memory that they share, waiting for each other, and a signal to one of them.

use crate::failures::Failure;
use crate::kernel::arch::USER;
use crate::kernel::{self, add, load, wait, wake};
use crate::report::{check, hold};
use crate::signals::{ANSWERER, ANSWERS};

/// Those that every thread library uses; an emulator takes no others for a thread.
const FLAGS: usize = VM | FS | FILES | SIGHAND | THREAD | SYSVSEM | CHILD_CLEARTID;
const VM: usize = 0x100;
const FS: usize = 0x200;
const FILES: usize = 0x400;
const SIGHAND: usize = 0x800;
const THREAD: usize = 0x1_0000;
const SYSVSEM: usize = 0x4_0000;
const CHILD_CLEARTID: usize = 0x20_0000;

const THREADS: usize = 4;
const ROUNDS: usize = 10_000;

const STACK: usize = 0x8000;

#[repr(C, align(64))]
struct Stacks([[u8; STACK]; THREADS]);

static mut STACKS: Stacks = Stacks([[0; STACK]; THREADS]);

/// The sum of all threads' work.
static mut SUM: u32 = 0;
/// The number of threads that have done it.
static mut DONE: u32 = 0;
/// Other than 0 when they may end.
static mut MAY_END: u32 = 0;
/// Other than 0 for each thread that is there.
static mut THERE: [u32; THREADS] = [1; THREADS];

pub fn run() {
    let mut first = 0;
    let mut index = 0;
    while index < THREADS {
        let stack = &raw mut STACKS as usize + (index + 1) * STACK;
        let thread = kernel::spawn(FLAGS, stack, work, there(index));
        hold(thread > 0, thread, Failure::NoThread);
        if index == 0 {
            first = thread;
        }
        index = index + 1;
    }
    wait_until(&raw mut DONE, THREADS as u32);
    check(load(&raw mut SUM) as isize, (THREADS * ROUNDS) as isize, Failure::LostCount);

    let answers = load(&raw mut ANSWERS);
    check(kernel::signal(first, USER), 0, Failure::NotSent);
    wait_until(&raw mut ANSWERS, answers + 1);
    check(unsafe { ANSWERER }, first, Failure::AnotherThread);

    add(&raw mut MAY_END, 1);
    wake(&raw mut MAY_END);
    let mut index = 0;
    while index < THREADS {
        wait_until(there(index), 0);
        index = index + 1;
    }
}

extern "C" fn work() -> ! {
    let mut round = 0;
    while round < ROUNDS {
        add(&raw mut SUM, 1);
        round = round + 1;
    }
    add(&raw mut DONE, 1);
    wake(&raw mut DONE);
    wait_until(&raw mut MAY_END, 1);
    kernel::leave()
}

fn there(index: usize) -> *mut u32 {
    (&raw mut THERE as usize + index * 4) as *mut u32
}

fn wait_until(word: *mut u32, value: u32) {
    loop {
        let found = load(word);
        if found == value {
            return;
        }
        wait(word, found);
    }
}
