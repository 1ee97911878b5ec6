//! Any text is a lock with one form or an error, and no URL out of it leaves its base.

#![no_main]

use debian::testing::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::lock(data));
