//! Any answer of a credential helper is credentials or none.

#![no_main]

use publish::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::helper(data));
