//! Any `Retry-After` is a wait or none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use http::fuzz;

fuzz_target!(|data: &[u8]| fuzz::retry_after(data));
