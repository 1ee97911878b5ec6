//! Any bytes are a static program of a machine or an error.

#![no_main]

use debian::testing::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::check_elf(data));
