//! Fake programs: real ELF headers around a few bytes.

use arch::{Class, Elf, Endian};

/// A static program for `machine`: a header, one loadable segment, and `contents`.
pub fn elf(machine: Elf, contents: &[u8]) -> Vec<u8> {
    build(machine, contents, None)
}

/// The same, but with a `PT_INTERP`.
pub fn dynamic_elf(machine: Elf, contents: &[u8]) -> Vec<u8> {
    build(machine, contents, Some(b"/lib/ld.so\0"))
}

struct Writer {
    machine: Elf,
    bytes: Vec<u8>,
}

impl Writer {
    fn number(&mut self, value: u64, size: usize) {
        match self.machine.endian {
            Endian::Little => self.bytes.extend_from_slice(&value.to_le_bytes()[..size]),
            Endian::Big => self.bytes.extend_from_slice(&value.to_be_bytes()[8 - size..]),
        }
    }

    /// An address or offset: as wide as the machine's words.
    fn word(&mut self, value: u64) {
        self.number(value, word(self.machine));
    }

    /// A program header (gABI, "Program Header"); the flags stand in two different places.
    fn segment(&mut self, kind: u64, offset: u64, size: u64) {
        self.number(kind, 4);
        if self.machine.class == Class::Bits64 {
            self.number(5, 4);
        }
        for value in [offset, offset, offset, size, size] {
            self.word(value);
        }
        if self.machine.class == Class::Bits32 {
            self.number(5, 4);
        }
        self.word(1);
    }
}

fn word(machine: Elf) -> usize {
    match machine.class {
        Class::Bits32 => 4,
        Class::Bits64 => 8,
    }
}

fn build(machine: Elf, contents: &[u8], interpreter: Option<&[u8]>) -> Vec<u8> {
    let (header, segment) = match machine.class {
        Class::Bits32 => (52, 32),
        Class::Bits64 => (64, 56),
    };
    let count = 1 + u64::from(interpreter.is_some());
    let start = header + segment * count;
    let mut out = Writer { machine, bytes: b"\x7fELF".to_vec() };
    out.bytes.extend([machine.class as u8, machine.endian as u8, 1, 0]);
    out.bytes.resize(16, 0);
    out.number(2, 2);
    out.number(u64::from(machine.machine), 2);
    out.number(1, 4);
    for value in [start, header, 0] {
        out.word(value);
    }
    out.number(0, 4);
    for value in [header, segment, count, 0, 0, 0] {
        out.number(value, 2);
    }
    let interpreter = interpreter.unwrap_or_default();
    out.segment(1, 0, start + interpreter.len() as u64 + contents.len() as u64);
    if count == 2 {
        out.segment(3, start, interpreter.len() as u64);
    }
    out.bytes.extend_from_slice(interpreter);
    out.bytes.extend_from_slice(contents);
    out.bytes
}
