//! Any `WWW-Authenticate` is a challenge in one form or none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use publish::fuzz;

fuzz_target!(|data: &[u8]| fuzz::challenge(data));
