//! Any bytes are a package's `data.tar` or an error.

#![no_main]

use debian::testing::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::tar(data));
