//! A file of apt's sources is read in either form, and no mirror out of it is Debian's but by its path.

#![no_main]

use debian::testing::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz::apt_sources(data));
