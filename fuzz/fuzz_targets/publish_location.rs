//! Any `Location` of an upload is one to go on at, as encrypted as before, or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use publish::fuzz;

fuzz_target!(|data: &[u8]| fuzz::location(data));
