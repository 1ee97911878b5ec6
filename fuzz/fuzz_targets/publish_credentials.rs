//! Any bytes are a file of credentials or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use publish::fuzz;

fuzz_target!(|data: &[u8]| fuzz::credentials(data));
