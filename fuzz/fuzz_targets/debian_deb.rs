//! Any bytes are a package or an error, and no path in one leaves its root.

#![no_main]

use debian::testing::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::deb(data));
