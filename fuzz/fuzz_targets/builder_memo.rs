//! Any memo in the cache is one that was written or none.

#![no_main]

use builder::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::memo(data));
