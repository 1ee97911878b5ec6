//! Results that are understood have one form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use results::fuzz;

fuzz_target!(|data: &[u8]| fuzz::results(data));
