//! Any bytes at all are no program that can have a prelude, or one from which it can be taken again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use qus_register::prelude::{HEAD, place, put, take};

fuzz_target!(|data: &[u8]| {
    let (head, size) = (&data[..data.len().min(HEAD)], data.len() as u64);
    if let Some((offset, length)) = place(head, size) {
        assert_eq!(offset + length as u64, size);
    }
    let _ = take(head, data);
    if let Ok(change) = put(head, size, "max") {
        let prelude = take(&change.head, &change.segment).expect("what was put can be taken");
        assert!(prelude.head == head && prelude.size == size && prelude.model == "max");
    }
});
