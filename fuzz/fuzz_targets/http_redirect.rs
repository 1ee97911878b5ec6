//! Any `Location` is followed without giving encryption or credentials away, or not at all.

#![no_main]

use libfuzzer_sys::fuzz_target;
use http::fuzz;

fuzz_target!(|data: &[u8]| fuzz::redirect(data));
