//! The program that `register --check=full` runs for a target: the parts of a kernel that real programs use all the time, and
//! that need no root file system.
//!
//! Before each part it writes the line `part NAME`; so the last part that was begun is the one in which an interpreter has
//! crashed or hangs. What goes wrong is the line `fails FAILURE NUMBER`, with the place in the table of [`failures`] and
//! what was there in place of what was expected: for a system call, its result. It exits with 42 if all parts went well, as the
//! small programs do, and with 1 otherwise.
//!
//! It is built for each target by the compiler alone, without `core`, C or a linker script: see [`language`].
//!
//! # Safety
//! Memory is mapped before it is used. Statics that several threads change are changed by atomic instructions; others are changed by
//! one thread, or by a handler while nothing else looks.

#![no_core]
#![no_main]
#![feature(no_core, lang_items, rustc_attrs, decl_macro, auto_traits, asm_experimental_arch)]
#![allow(internal_features)]
// Each machine leaves some of the tables unused.
#![allow(dead_code)]

/// Constants of an ABI.
macro_rules! numbers {
    ($($name:ident = $number:literal,)*) => {
        $(pub const $name: usize = $number;)*
    };
}

/// The places of failures in their table.
macro_rules! failures {
    ($($name:ident $text:literal,)*) => {
        #[repr(u8)]
        pub enum Failure { $($name,)* }
    };
}

mod clock;
mod exec;
mod failures;
mod fork;
mod kernel;
mod language;
mod memory;
mod report;
mod signals;
mod threads;

use report::begin;

/// The exit status that says that everything went well.
const EXIT_CODE: isize = 42;

/// Begins with the arguments and the environment as the kernel puts them on the stack: a count, then addresses of texts, up to
/// a null each.
#[unsafe(no_mangle)]
extern "C" fn trial_main(stack: usize) -> ! {
    let own = kernel::word(stack, 1);
    if kernel::word(stack, 0) > 1 {
        kernel::exit(exec::arrive(stack));
    }
    begin(b"mmap\n\0" as *const u8);
    memory::run(own);
    begin(b"clock\n\0" as *const u8);
    clock::run();
    begin(b"signals\n\0" as *const u8);
    signals::run();
    begin(b"threads\n\0" as *const u8);
    threads::run();
    begin(b"fork\n\0" as *const u8);
    fork::run();
    begin(b"exec\n\0" as *const u8);
    exec::run(own);
    kernel::exit(EXIT_CODE)
}
