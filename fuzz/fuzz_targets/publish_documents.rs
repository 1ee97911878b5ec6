//! Any bytes are an index, a manifest or a config with one form, or an error; none is both of the former.

#![no_main]

use libfuzzer_sys::fuzz_target;
use publish::fuzz;

fuzz_target!(|data: &[u8]| fuzz::documents(data));
