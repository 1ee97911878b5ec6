//! Any `meta.json` of a docker context names an engine's address or none.

#![no_main]

use publish::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::context(data));
