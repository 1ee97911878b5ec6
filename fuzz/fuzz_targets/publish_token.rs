//! Any answer of a token server is a token with an end or none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use publish::fuzz;

fuzz_target!(|data: &[u8]| fuzz::token(data));
