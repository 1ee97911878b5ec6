//! A QEMU with a CPU model of its own: its file with a prelude, a few instructions that run before it.
//!
//! An entry of binfmt_misc has no arguments, so that the model has to be in the file. The prelude puts `-cpu MODEL` behind QEMU's first
//! argument, unless `QEMU_CPU` is set in the environment, and goes on at QEMU's own entry. Two places of the file change: the
//! entry, and one header, which becomes that of the prelude's segment behind the file's end. It is that of a note
//! (`PT_NOTE`), which nothing reads in a static program: so the headers stay where they are, where its C library finds them
//! through `AT_PHDR`.
//!
//! The segment, at a multiple of 16 in the file and in the first free page of the largest size in memory:
//!
//! | bytes | |
//! |---|---|
//! | a multiple of 4 | [instructions](code) |
//! | 4 or 8 | the data: the distance from here to QEMU's entry |
//! | 10 | `QEMU_CPU=` and NUL |
//! | 6 | `-cpu` and two NULs |
//! | | the model and NUL |
//! | 32 or 56 | the header that was given away |
//! | 8 | the size of QEMU's file |
//!
//! This module does no I/O: what is read is the first [`HEAD`] bytes of a file, and what is written a [`Change`].

mod code;
mod layout;

use arch::{Class, Elf};
use layout::Layout;

/// The bytes at the front of a file that hold all of its program's headers.
pub const HEAD: usize = 4096;

/// The longest model with its properties.
pub const LONGEST_MODEL: usize = 128;

/// Longer than any segment of a prelude.
const LONGEST_SEGMENT: u64 = 1024;

const KEY: &[u8] = b"QEMU_CPU=\0";
const OPTION: &[u8] = b"-cpu\0\0";

/// Between segments there may be a page of this size: the largest that the hosts' kernels have.
const LARGEST_PAGE: u64 = 0x1_0000;

/// The difference between a file and the same with a prelude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The new first bytes.
    pub head: Vec<u8>,
    /// The offset of the segment; from the file's end up to there are zeros.
    pub offset: u64,
    /// The segment.
    pub segment: Vec<u8>,
}

/// A prelude in a file, and the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prelude {
    /// The CPU model.
    pub model: String,
    /// The first bytes without it.
    pub head: Vec<u8>,
    /// The size without it.
    pub size: u64,
}

/// The reason why a file cannot have a prelude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not ELF, not a program, or without the headers that it announces.
    #[error("it is not an ELF program whose headers are in its first {HEAD} bytes")]
    NotAProgram,
    /// A loader would run before it.
    #[error("it is dynamically linked")]
    Dynamic,
    /// Instructions for this machine are missing.
    #[error("there is none for machine {0} of ELF's register")]
    Machine(u16),
    /// A part of it is missing.
    #[error("it is cut off: a segment lies outside of the file")]
    CutOff,
    /// All headers are needed.
    #[error("it has no PT_NOTE behind its last PT_LOAD")]
    NoHeader,
    /// A segment's end is no address, or there is none above it.
    #[error("it leaves no room for one more segment")]
    NoRoom,
    /// A model as no QEMU has.
    #[error("a CPU model has 1 to {LONGEST_MODEL} printable characters")]
    Model,
}

/// Makes the change that puts a prelude into a file of `size` bytes that begins with `head`: its first [`HEAD`] bytes, or all.
///
/// # Errors
/// [`Unfit`]
pub fn put(head: &[u8], size: u64, model: &str) -> Result<Change, Unfit> {
    if !(1..=LONGEST_MODEL).contains(&model.len()) || !model.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Unfit::Model);
    }
    let elf = Elf::parse(head).ok_or(Unfit::NotAProgram)?;
    let layout = Layout::new(head, elf).ok_or(Unfit::NotAProgram)?;
    let code = code::code(elf).ok_or(Unfit::Machine(elf.machine))?;
    if layout.has_loader() {
        return Err(Unfit::Dynamic);
    }
    if !layout.is_within(size) {
        return Err(Unfit::CutOff);
    }
    let note = layout.note().ok_or(Unfit::NoHeader)?;
    let end = layout.end().ok_or(Unfit::NoRoom)?;
    let offset = size.checked_next_multiple_of(16).ok_or(Unfit::NoRoom)?;
    let address = end.checked_next_multiple_of(LARGEST_PAGE).ok_or(Unfit::NoRoom)?;
    let address = address.checked_add(offset % LARGEST_PAGE).ok_or(Unfit::NoRoom)?;

    let mut segment = code;
    let data = address.checked_add(segment.len() as u64).ok_or(Unfit::NoRoom)?;
    segment.extend(layout.word(layout.entry().wrapping_sub(data)));
    segment.extend_from_slice(KEY);
    segment.extend_from_slice(OPTION);
    segment.extend_from_slice(model.as_bytes());
    segment.push(0);
    segment.extend_from_slice(layout.row(note));
    segment.extend_from_slice(&size.to_le_bytes());
    let length = segment.len() as u64;
    // Up to the middle of the address space, which no kernel gives a program more of.
    let highest = if elf.class == Class::Bits32 { u64::from(u32::MAX) } else { i64::MAX as u64 };
    for start in [address, offset] {
        start.checked_add(length).filter(|end| *end < highest).ok_or(Unfit::NoRoom)?;
    }
    let head = layout.with_segment(note, offset, address, length);
    Ok(Change { head, offset, segment })
}

/// The place of the prelude in a file of `size` bytes that begins with `head`, if it has one: its offset and size.
pub fn place(head: &[u8], size: u64) -> Option<(u64, usize)> {
    let layout = Layout::new(head, Elf::parse(head)?)?;
    let (offset, length) = layout.segment_at_entry()?;
    let is_last = offset.checked_add(length) == Some(size);
    let length = Some(length).filter(|length| is_last && *length <= LONGEST_SEGMENT)?;
    Some((offset, usize::try_from(length).ok()?))
}

/// Reads the prelude with this segment in a file that begins with `head`; `None` if it is none. [`put`] makes the same of what this
/// gives: a file without its prelude is the file that it was, byte for byte.
pub fn take(head: &[u8], segment: &[u8]) -> Option<Prelude> {
    let elf = Elf::parse(head)?;
    let layout = Layout::new(head, elf)?;
    let code = code::code(elf)?;
    let (width, row) = (layout.word(0).len(), layout.size_of_row());
    let (front, original) = segment.split_at_checked(segment.len().checked_sub(row + 8)?)?;
    let (original, size) = original.split_at(row);
    let size = u64::from_le_bytes(size.try_into().ok()?);
    let (data, texts) = front.strip_prefix(&*code)?.split_at_checked(width)?;
    let model = texts.strip_prefix(KEY)?.strip_prefix(OPTION)?.strip_suffix(b"\0")?;
    let model = std::str::from_utf8(model).ok()?;
    let head = layout.without_segment(layout.number(data), code.len() as u64, original)?;
    let change = put(&head, size, model).ok()?;
    (change.segment == segment && change.head == layout.head()).then(|| Prelude {
        model: model.to_owned(),
        head,
        size,
    })
}

#[cfg(test)]
mod tests;
