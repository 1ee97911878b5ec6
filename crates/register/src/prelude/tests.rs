use arch::Host;

use super::*;

/// A program for a host with two segments and a note, `size` bytes long.
fn program(host: Host, size: usize) -> Vec<u8> {
    let elf = host.elf();
    let (wide, little) = (elf.class == Class::Bits64, elf.endian == arch::Endian::Little);
    let number = |value: u64, width: usize| {
        let bytes = value.to_le_bytes()[..width].to_vec();
        if little { bytes } else { bytes.into_iter().rev().collect() }
    };
    let word = |value: u64| number(value, if wide { 8 } else { 4 });
    let half = |value: u64| number(value, 2);
    let (header, row) = if wide { (64, 56) } else { (52, 32) };
    let mut file = b"\x7fELF".to_vec();
    file.extend([elf.class as u8, elf.endian as u8, 1]);
    file.resize(16, 0);
    file.extend([half(2), half(elf.machine.into()), number(1, 4), word(0x1_0100), word(header)].concat());
    file.extend(
        [word(0), number(0, 4), half(header), half(row), half(3), half(0), half(0), half(0)].concat(),
    );
    let end = size as u64 - 0x200;
    // The last is the longest in memory, as one with `.bss` is.
    for (kind, offset, length) in [(1, 0, 0x200), (1, 0x200, end), (4, 0x180, 0x24)] {
        let (flags, address) = (number(5, 4), word(0x1_0000 + offset));
        let (offset, align) = (word(offset), word(0x1000));
        let (in_file, in_memory) = (word(length), word(length * 2));
        let row = if wide {
            [number(kind, 4), flags, offset, address.clone(), address, in_file, in_memory, align]
        } else {
            [number(kind, 4), offset, address.clone(), address, in_file, in_memory, flags, align]
        };
        file.extend(row.concat());
    }
    file.extend((file.len()..size).map(|at| at as u8));
    file
}

fn head(file: &[u8]) -> &[u8] {
    &file[..file.len().min(HEAD)]
}

fn with(file: &[u8], model: &str) -> Vec<u8> {
    let change = put(head(file), file.len() as u64, model).unwrap();
    let mut new = [&change.head, &file[change.head.len()..]].concat();
    new.resize(usize::try_from(change.offset).unwrap(), 0);
    new.extend(change.segment);
    new
}

fn found(file: &[u8]) -> Option<Prelude> {
    let (offset, length) = place(head(file), file.len() as u64)?;
    take(head(file), &file[usize::try_from(offset).unwrap()..][..length])
}

fn without(file: &[u8]) -> (String, Vec<u8>) {
    let prelude = found(file).unwrap();
    let rest = &file[prelude.head.len()..usize::try_from(prelude.size).unwrap()];
    (prelude.model, [&prelude.head, rest].concat())
}

fn host(name: &str) -> Host {
    name.parse().unwrap()
}

#[test]
fn what_is_put_in_front_is_taken_away_again_byte_for_byte() {
    for host in Host::all().filter(|host| host.has_register()) {
        for size in [0x1000, 0x1001, 0x300f, 70_000] {
            let file = program(host, size);
            assert_eq!(found(&file), None);
            for model in ["max", "rva22u64", "max,pauth-impdef=on"] {
                let new = with(&file, model);
                assert_eq!(without(&new), (model.to_owned(), file.clone()), "{host} {size} {model}");
                // What is between the headers and the segment is as it was.
                assert_eq!(new[HEAD.min(size)..size], file[HEAD.min(size)..], "{host}");
                assert!(new.len() - size < 300);
                // With another byte, it is no prelude, or not this one.
                let this = found(&new);
                for at in size.next_multiple_of(16)..new.len() {
                    let mut other = new.clone();
                    other[at] ^= 0x20;
                    assert_ne!(found(&other), this, "{host}: byte {at} of {size}");
                }
                assert_eq!(found(&new[..new.len() - 1]), None);
                assert_eq!(found(&[&new[..], b"more"].concat()), None);
            }
        }
    }
}

#[test]
fn the_segment_is_the_last_and_the_highest() {
    let file = program(host("amd64"), 0x3008);
    let change = put(head(&file), 0x3008, "max").unwrap();
    let layout = Layout::new(&change.head, Elf::parse(&change.head).unwrap()).unwrap();
    // 0x200 and twice 0x2e08 bytes from 0x10000 on are in two pages of 64 KiB; 0x3010 is where it is in the file.
    assert_eq!((layout.entry(), change.offset), (0x2_3010, 0x3010));
    assert_eq!(layout.segment_at_entry(), Some((0x3010, change.segment.len() as u64)));
    assert_eq!(layout.note(), None);
    let data = code::code(host("amd64").elf()).unwrap().len();
    let distance = i64::from_le_bytes(change.segment[data..data + 8].try_into().unwrap());
    assert_eq!(0x2_3010 + data as i64 + distance, 0x1_0100, "QEMU's own entry");
    assert!(change.segment[data + 8..].starts_with(b"QEMU_CPU=\0-cpu\0\0max\0\x04\0\0\0"));
}

#[test]
fn files_that_can_have_none_are_refused() {
    let file = program(host("arm64"), 0x2000);
    let put = |file: &[u8], size: u64| super::put(head(file), size, "max").map(drop);
    let changed = |at: usize, byte: u8| {
        let mut file = file.clone();
        file[at] = byte;
        file
    };
    let kind = |row: usize| 64 + 56 * row;
    for (file, size, expected) in [
        (file.clone(), 0x2000, Ok(())),
        (changed(0, 0), 0x2000, Err(Unfit::NotAProgram)),
        // A relocatable file.
        (changed(16, 1), 0x2000, Err(Unfit::NotAProgram)),
        (file[..63].to_vec(), 63, Err(Unfit::NotAProgram)),
        (file[..64 + 3 * 56 - 1].to_vec(), 231, Err(Unfit::NotAProgram)),
        // Its table of program headers is far behind, or in the file's header.
        (changed(34, 1), 0x2_0000, Err(Unfit::NotAProgram)),
        (changed(32, 24), 0x2000, Err(Unfit::NotAProgram)),
        (changed(56, 200), 0x2000, Err(Unfit::NotAProgram)),
        (file.clone(), 0x1fff, Err(Unfit::CutOff)),
        (changed(18, 8), 0x2000, Err(Unfit::Machine(8))),
        (changed(kind(2), 3), 0x2000, Err(Unfit::Dynamic)),
        (changed(kind(2), 6), 0x2000, Err(Unfit::NoHeader)),
        (changed(kind(1) + 23, 0x80), 0x2000, Err(Unfit::NoRoom)),
        (changed(kind(1) + 47, 0xff), 0x2000, Err(Unfit::NoRoom)),
        (file.clone(), u64::MAX, Err(Unfit::NoRoom)),
        (with(&file, "max"), 0x2200, Err(Unfit::NoHeader)),
    ] {
        assert_eq!(put(&file, size), expected, "{size:#x}");
    }
    // A note in front of a segment is not behind all of them.
    let mut swapped = file.clone();
    let (first, second) = (kind(0)..kind(1), kind(2)..kind(3));
    swapped[first.clone()].copy_from_slice(&file[second.clone()]);
    swapped[second].copy_from_slice(&file[first]);
    assert_eq!(put(&swapped, 0x2000), Err(Unfit::NoHeader));
    // 32 bits of address are fewer.
    let small = program(host("arm32v7"), 0x2000);
    assert_eq!((put(&small, 0x2000), put(&small, 1 << 32)), (Ok(()), Err(Unfit::NoRoom)));
}

#[test]
fn models_are_printable_and_no_longer_than_that() {
    let file = program(host("s390x"), 0x2000);
    let put = |model: &str| put(head(&file), 0x2000, model).map(drop);
    assert_eq!(put(&"x".repeat(LONGEST_MODEL)), Ok(()));
    for model in ["", "a b", "a\0b", "é", &"x".repeat(LONGEST_MODEL + 1)] {
        assert_eq!(put(model), Err(Unfit::Model), "{model}");
    }
}

/// Any bytes at all are refused, or are a file that a prelude can be taken from again.
fn is_sound(bytes: &[u8]) {
    let size = bytes.len() as u64;
    if let Some((offset, length)) = place(head(bytes), size) {
        assert_eq!(offset + length as u64, size);
    }
    let _ = take(head(bytes), bytes);
    if let Ok(change) = put(head(bytes), size, "max") {
        let taken = take(&change.head, &change.segment).expect("what was put can be taken");
        assert_eq!((taken.head.as_slice(), taken.size), (head(bytes), size));
    }
    if let Some(prelude) = found(bytes) {
        let change = put(&prelude.head, prelude.size, &prelude.model).unwrap();
        assert!(change.head == head(bytes) && bytes.ends_with(&change.segment));
    }
}

#[test]
fn any_bytes_are_refused_or_come_back() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for host in Host::all().filter(|host| host.has_register()) {
        let file = program(host, 0x400);
        seeds.push(with(&file, "rva22u64"));
        seeds.push(file);
    }
    for round in 0..40_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=random(4) {
            // Most of it is in the headers, and in the prelude.
            let near = if random(2) == 0 { bytes.len().min(256) } else { bytes.len() };
            let at = random(near);
            bytes[at] = [0, 1, 4, 0x7f, 0xff, u8::try_from(random(256)).unwrap()][random(6)];
        }
        if random(4) == 0 {
            bytes.truncate(random(bytes.len()));
        }
        is_sound(&bytes);
    }
}
