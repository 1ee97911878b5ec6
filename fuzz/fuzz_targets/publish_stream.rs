//! Any document that an engine streams is read without a panic.

#![no_main]

use publish::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::stream(data));
