//! The tables of a QEMU's ELF file, of whichever machine it is for.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use arch::{Class, Elf, Endian};

/// The two tables of an ELF file (System V gABI, chapters "Sections" and "Program Header").
#[derive(Debug)]
pub struct Tables {
    header: [u8; 64],
    elf: Elf,
}

impl Tables {
    /// Reads the header of a file; `None` if it is no ELF file with one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(file: &File) -> io::Result<Option<Tables>> {
        let mut header = [0; 64];
        let read = file.read_at(&mut header, 0)?;
        let elf = Elf::parse(&header[..read]).filter(|_| read == header.len());
        Ok(elf.map(|elf| Tables { header, elf }))
    }

    /// The file's first bytes.
    pub fn header(&self) -> &[u8; 64] {
        &self.header
    }

    /// The header in them, as far as it says what the file is for.
    pub fn elf(&self) -> Elf {
        self.elf
    }

    /// The number at the offset for this word size; as wide as the field is there.
    fn number(&self, bytes: &[u8], offset: usize, width: usize) -> Option<u64> {
        let bytes = bytes.get(offset..)?.get(..width)?;
        let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match self.elf.endian {
            Endian::Big => bytes.iter().fold(0, fold),
            Endian::Little => bytes.iter().rev().fold(0, fold),
        })
    }

    fn word(&self, bytes: &[u8], at_32: usize, at_64: usize) -> Option<u64> {
        match self.elf.class {
            Class::Bits32 => self.number(bytes, at_32, 4),
            Class::Bits64 => self.number(bytes, at_64, 8),
        }
    }

    fn half(&self, at_32: usize, at_64: usize) -> Option<usize> {
        let at = if self.elf.class == Class::Bits32 { at_32 } else { at_64 };
        usize::try_from(self.number(&self.header, at, 2)?).ok()
    }

    /// The bytes of a table: its offset, the size of a row and the number of rows.
    fn rows(
        &self,
        file: &File,
        offset: Option<u64>,
        size: Option<usize>,
        count: Option<usize>,
    ) -> Option<Vec<u8>> {
        let mut rows = vec![0; size? * count?];
        file.read_exact_at(&mut rows, offset?).ok()?;
        Some(rows)
    }

    /// True if there is a `PT_INTERP`: the program needs a dynamic loader.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn has_loader(&self, file: &File) -> io::Result<bool> {
        let size = self.half(42, 54);
        let rows = self.rows(file, self.word(&self.header, 28, 32), size, self.half(44, 56));
        let rows = rows.ok_or(io::ErrorKind::InvalidData)?;
        let mut rows = rows.chunks(size.unwrap_or(1).max(1));
        Ok(rows.any(|row| self.number(row, 0, 4) == Some(3)))
    }

    /// The place of `.rodata`: offset and size. Recognised by what it is (`SHT_PROGBITS`, allocated, neither written nor
    /// executed), the largest such section being it.
    pub fn read_only_data(&self, file: &File) -> Option<(u64, u64)> {
        let size = self.half(46, 58)?;
        let rows = self.rows(file, self.word(&self.header, 32, 40), Some(size), self.half(48, 60))?;
        let sections = rows.chunks(size.max(1)).filter_map(|row| {
            let wanted = self.number(row, 4, 4)? == 1 && self.word(row, 8, 8)? & 0b111 == 0b010;
            wanted.then_some((self.word(row, 16, 24)?, self.word(row, 20, 32)?))
        });
        sections.max_by_key(|(_, size)| *size)
    }
}
