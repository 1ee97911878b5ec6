//! Any text is a reference with one form or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use publish::fuzz;

fuzz_target!(|data: &[u8]| fuzz::reference(data));
