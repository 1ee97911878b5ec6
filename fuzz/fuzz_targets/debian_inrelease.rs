//! Any bytes are refused, or say what was signed.

#![no_main]

use debian::testing::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::inrelease(data));
