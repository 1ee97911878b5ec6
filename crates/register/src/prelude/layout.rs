//! The headers of an ELF program, read and written (System V gABI, "ELF Header" and "Program Header").

use arch::{Class, Elf, Endian};

const PT_LOAD: u64 = 1;
const PT_INTERP: u64 = 3;
const PT_NOTE: u64 = 4;
/// `PF_R | PF_X`
const READ_AND_EXECUTE: u64 = 5;

/// The offsets of fields in the two sizes of words, within the file's header or a row of the table of program headers.
struct Fields {
    entry: usize,
    table: usize,
    row_size: usize,
    rows: usize,
    flags: usize,
    offset: usize,
    address: usize,
    physical: usize,
    file_size: usize,
    memory_size: usize,
    align: usize,
    width: usize,
    /// The size of the file's header.
    header: usize,
    /// The size of a row.
    row: usize,
}

#[rustfmt::skip]
const FIELDS_32: Fields = Fields {
    entry: 24, table: 28, row_size: 42, rows: 44,
    offset: 4, address: 8, physical: 12, file_size: 16, memory_size: 20, flags: 24, align: 28, width: 4, header: 52, row: 32,
};

#[rustfmt::skip]
const FIELDS_64: Fields = Fields {
    entry: 24, table: 32, row_size: 54, rows: 56,
    flags: 4, offset: 8, address: 16, physical: 24, file_size: 32, memory_size: 40, align: 48, width: 8, header: 64, row: 56,
};

/// The beginning of a program that has all of its headers.
pub(super) struct Layout<'a> {
    head: &'a [u8],
    endian: Endian,
    fields: &'static Fields,
    /// The offset of the table of program headers.
    table: usize,
    /// The number of its rows.
    rows: usize,
}

impl Layout<'_> {
    /// `None` if the table of program headers is not within `head`, or it is not one of a program.
    pub(super) fn new(head: &[u8], elf: Elf) -> Option<Layout<'_>> {
        let fields = if elf.class == Class::Bits32 { &FIELDS_32 } else { &FIELDS_64 };
        let mut layout = Layout { head, endian: elf.endian, fields, table: 0, rows: 0 };
        let half = |at: usize| Some(layout.number(head.get(at..at + 2)?));
        // ET_EXEC and ET_DYN.
        if !matches!(half(16)?, 2 | 3) || half(fields.row_size)? != fields.row as u64 {
            return None;
        }
        let rows = usize::try_from(half(fields.rows)?).ok()?;
        let table = head.get(fields.table..fields.table + fields.width)?;
        let table = usize::try_from(layout.number(table)).ok()?;
        head.get(table..)?.get(..rows.checked_mul(fields.row)?)?;
        // The table overlaps nothing that changes beside it.
        if table < fields.header {
            return None;
        }
        (layout.table, layout.rows) = (table, rows);
        Some(layout)
    }

    /// The bytes themselves.
    pub(super) fn head(&self) -> &[u8] {
        self.head
    }

    /// The number in `bytes`, which is as wide as they are.
    pub(super) fn number(&self, bytes: &[u8]) -> u64 {
        let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        match self.endian {
            Endian::Big => bytes.iter().fold(0, fold),
            Endian::Little => bytes.iter().rev().fold(0, fold),
        }
    }

    /// The bytes of a number as wide as an address; of one that is wider, its low part.
    pub(super) fn word(&self, number: u64) -> Vec<u8> {
        self.bytes(number, self.fields.width)
    }

    fn bytes(&self, number: u64, width: usize) -> Vec<u8> {
        match self.endian {
            Endian::Big => number.to_be_bytes()[8 - width..].to_vec(),
            Endian::Little => number.to_le_bytes()[..width].to_vec(),
        }
    }

    /// The size of a program header.
    pub(super) fn size_of_row(&self) -> usize {
        self.fields.row
    }

    /// The bytes of a program header.
    pub(super) fn row(&self, index: usize) -> &[u8] {
        &self.head[self.table + index * self.fields.row..][..self.fields.row]
    }

    fn kind(&self, index: usize) -> u64 {
        self.number(&self.row(index)[..4])
    }

    fn field(&self, index: usize, at: usize) -> u64 {
        self.number(&self.row(index)[at..at + self.fields.width])
    }

    fn segments(&self) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.rows).filter(|index| self.kind(*index) == PT_LOAD)
    }

    /// The address at which the program starts.
    pub(super) fn entry(&self) -> u64 {
        self.number(&self.head[self.fields.entry..][..self.fields.width])
    }

    /// True if there is a `PT_INTERP`.
    pub(super) fn has_loader(&self) -> bool {
        (0..self.rows).any(|index| self.kind(index) == PT_INTERP)
    }

    /// True if all segments are in a file of `size` bytes.
    pub(super) fn is_within(&self, size: u64) -> bool {
        self.segments().all(|index| {
            let offset = self.field(index, self.fields.offset);
            offset.checked_add(self.field(index, self.fields.file_size)).is_some_and(|end| end <= size)
        })
    }

    /// The header to give away: the last note, if it is behind all segments. Segments are in the order of their addresses: kernels
    /// before 5.18 take the last for the highest (`total_mapping_size` in fs/binfmt_elf.c).
    pub(super) fn note(&self) -> Option<usize> {
        let last = self.segments().next_back()?;
        (last + 1..self.rows).rev().find(|index| self.kind(*index) == PT_NOTE)
    }

    /// The end of the highest segment.
    pub(super) fn end(&self) -> Option<u64> {
        let ends = self.segments().map(|index| {
            self.field(index, self.fields.address).checked_add(self.field(index, self.fields.memory_size))
        });
        ends.collect::<Option<Vec<u64>>>()?.into_iter().max()
    }

    /// The segment whose first byte is where the program starts, if that is the last: its offset and size.
    pub(super) fn segment_at_entry(&self) -> Option<(u64, u64)> {
        let index = self.segments().next_back()?;
        let starts = self.field(index, self.fields.address) == self.entry();
        starts.then(|| (self.field(index, self.fields.offset), self.field(index, self.fields.file_size)))
    }

    /// The bytes with a segment in the place of a header; the program starts at its first byte.
    pub(super) fn with_segment(&self, index: usize, offset: u64, address: u64, size: u64) -> Vec<u8> {
        let fields = self.fields;
        let mut row = vec![0; fields.row];
        let mut put = |at: usize, bytes: Vec<u8>| row[at..at + bytes.len()].copy_from_slice(&bytes);
        put(0, self.bytes(PT_LOAD, 4));
        put(fields.flags, self.bytes(READ_AND_EXECUTE, 4));
        for at in [fields.address, fields.physical] {
            put(at, self.word(address));
        }
        for at in [fields.file_size, fields.memory_size] {
            put(at, self.word(size));
        }
        put(fields.offset, self.word(offset));
        put(fields.align, self.word(super::LARGEST_PAGE));
        self.replaced(index, &row, address)
    }

    /// The bytes with `row` in the place of the last segment's header. The program starts at the `distance` from the byte
    /// number `from` of that segment.
    pub(super) fn without_segment(&self, distance: u64, from: u64, row: &[u8]) -> Option<Vec<u8>> {
        let index = self.segments().next_back()?;
        let entry = self.entry().wrapping_add(from).wrapping_add(distance);
        Some(self.replaced(index, row, entry))
    }

    fn replaced(&self, index: usize, row: &[u8], entry: u64) -> Vec<u8> {
        let mut head = self.head.to_vec();
        let start = self.table + index * self.fields.row;
        head[start..start + row.len()].copy_from_slice(row);
        let entry = self.word(entry);
        head[self.fields.entry..self.fields.entry + entry.len()].copy_from_slice(&entry);
        head
    }
}
