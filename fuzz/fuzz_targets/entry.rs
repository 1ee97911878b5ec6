//! Any text of an entry is understood or refused; what is understood has a register line or a reason why not.

#![no_main]

use binfmt::Entry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(entry) = Entry::parse("name", data) {
        if let Ok(line) = entry.register_line() {
            assert!(line.len() <= 1920 && !line.contains(&b'\n'));
        }
        let _ = entry.takes(data);
    }
});
