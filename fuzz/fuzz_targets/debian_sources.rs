//! Any bytes are a list of source packages or an error, and no path in one leaves the mirror.

#![no_main]

use debian::testing::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::sources(data));
