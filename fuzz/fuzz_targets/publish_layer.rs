//! Any bytes are a layer or an error, and what leads out of the image is found.

#![no_main]

use libfuzzer_sys::fuzz_target;
use publish::fuzz;

fuzz_target!(|data: &[u8]| fuzz::layer(data));
