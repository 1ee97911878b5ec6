//! A tiny program for each target, which proves by running that the kernel and an interpreter work together.
//!
//! Each reads one byte from its standard input and exits with [`EXIT_CODE`]. It needs no library, no loader and no data.
//! While it waits for the byte, its parent can look at what runs it.
//!
//! The instructions are in [`CODE`], with their assembly beside them; the header is made here.

mod code;

use crate::{Class, Endian, Target};

pub use code::CODE;

/// The exit status of every program, which nothing else that goes wrong has.
pub const EXIT_CODE: i32 = 42;

/// Above `mmap_min_addr` and below the stack on every target, and on a page's border at any size of pages.
const ADDRESS: u32 = 0x40_0000;
const LARGEST_PAGE: u32 = 0x1_0000;

/// A program's instructions, in units that have the target's byte order.
#[derive(Debug, Clone, Copy)]
pub enum Code {
    /// Instructions of varying length, or whose byte order is not the target's.
    Bytes(&'static [u8]),
    /// Instructions of 16 bits.
    Halves(&'static [u16]),
    /// Instructions of 32 bits.
    Words(&'static [u32]),
}

/// The table's program for a target.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// QEMU's name of the target.
    pub target: &'static str,
    /// `e_flags`: the ABI, and on some targets the CPU that QEMU chooses.
    pub flags: u32,
    /// The instructions.
    pub code: Code,
}

/// Writes numbers in a target's byte order.
struct Writer {
    bytes: Vec<u8>,
    endian: Endian,
    class: Class,
}

impl Writer {
    fn half(&mut self, value: u16) {
        match self.endian {
            Endian::Little => self.bytes.extend(value.to_le_bytes()),
            Endian::Big => self.bytes.extend(value.to_be_bytes()),
        }
    }

    fn word(&mut self, value: u32) {
        match self.endian {
            Endian::Little => self.bytes.extend(value.to_le_bytes()),
            Endian::Big => self.bytes.extend(value.to_be_bytes()),
        }
    }

    /// An address, offset or size: as wide as the class.
    fn long(&mut self, value: u32) {
        match (self.class, self.endian) {
            (Class::Bits32, _) => self.word(value),
            (Class::Bits64, Endian::Little) => self.bytes.extend(u64::from(value).to_le_bytes()),
            (Class::Bits64, Endian::Big) => self.bytes.extend(u64::from(value).to_be_bytes()),
        }
    }

    fn code(&mut self, code: Code) {
        match code {
            Code::Bytes(bytes) => self.bytes.extend_from_slice(bytes),
            Code::Halves(halves) => halves.iter().for_each(|half| self.half(*half)),
            Code::Words(words) => words.iter().for_each(|word| self.word(*word)),
        }
    }
}

/// The target's program as a whole ELF file: an executable with one segment, which holds the headers too
/// (System V gABI, "ELF Header" and "Program Header"). `None` if there is none for the target.
pub fn elf(target: Target) -> Option<Vec<u8>> {
    let program = CODE.iter().find(|program| program.target == target.name())?;
    let elf = target.elf();
    let (header_size, segment_size): (u16, u16) = match elf.class {
        Class::Bits32 => (52, 32),
        Class::Bits64 => (64, 56),
    };
    let headers = u32::from(header_size) + u32::from(segment_size);
    let mut code = Writer { bytes: Vec::new(), endian: elf.endian, class: elf.class };
    code.code(program.code);
    let size = headers + u32::try_from(code.bytes.len()).ok()?;

    let mut file = Writer { bytes: Vec::with_capacity(256), endian: elf.endian, class: elf.class };
    file.bytes.extend([0x7f, b'E', b'L', b'F', elf.class as u8, elf.endian as u8, 1, 0]);
    file.bytes.resize(16, 0);
    file.half(2); // ET_EXEC
    file.half(elf.machine);
    file.word(1); // EV_CURRENT
    file.long(ADDRESS + headers); // e_entry
    file.long(u32::from(header_size)); // e_phoff
    file.long(0); // e_shoff
    file.word(program.flags);
    file.half(header_size);
    file.half(segment_size);
    file.half(1); // e_phnum
    [0; 3].iter().for_each(|none| file.half(*none)); // e_shentsize, e_shnum, e_shstrndx

    const READ_AND_EXECUTE: u32 = 5;
    file.word(1); // PT_LOAD
    if elf.class == Class::Bits64 {
        file.word(READ_AND_EXECUTE);
    }
    file.long(0); // p_offset
    file.long(ADDRESS); // p_vaddr
    file.long(ADDRESS); // p_paddr
    file.long(size); // p_filesz
    file.long(size); // p_memsz
    if elf.class == Class::Bits32 {
        file.word(READ_AND_EXECUTE);
    }
    file.long(LARGEST_PAGE); // p_align
    file.bytes.extend(code.bytes);
    Some(file.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_program_that_is_its_own() {
        for target in Target::all() {
            let file = elf(target).unwrap();
            assert!(file.len() < 200, "{target}: {}", file.len());
            let takers: Vec<_> = Target::all().filter(|other| other.magic().matches(&file)).collect();
            assert_eq!(takers, [target]);
        }
        assert!(CODE.is_sorted_by(|a, b| a.target < b.target));
    }
}
