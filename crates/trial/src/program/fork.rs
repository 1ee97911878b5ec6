//! Children with a copy of the memory, and how their ends are told.

use crate::failures::Failure;
use crate::kernel::arch::{self, CHILD};
use crate::kernel::{self, add, load};
use crate::report::{check, hold};

const KILL: usize = 9;
const EXIT_CODE: isize = 7;

static mut VALUE: u32 = 1;

pub fn run() {
    let child = arch::fork(CHILD);
    if child == 0 {
        let value = add(&raw mut VALUE, 2);
        kernel::exit(if value == 3 { EXIT_CODE } else { 1 });
    }
    hold(child > 0, child, Failure::NoChild);
    check(kernel::status(child), EXIT_CODE << 8, Failure::AnotherExit);
    check(load(&raw mut VALUE) as isize, 1, Failure::SharedMemory);

    let child = arch::fork(CHILD);
    if child == 0 {
        kernel::signal(kernel::call(arch::GETTID, 0, 0, 0), KILL);
        kernel::exit(EXIT_CODE);
    }
    hold(child > 0, child, Failure::NoChild);
    check(kernel::status(child), KILL as isize, Failure::AnotherKill);
}
