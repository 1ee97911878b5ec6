//! Any text is an address or none, and no secret in it is shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use http::fuzz;

fuzz_target!(|data: &[u8]| fuzz::address(data));
