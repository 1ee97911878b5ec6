//! The part of an ELF header that names the machine of its program.

/// Word size, `e_ident[EI_CLASS]` (System V gABI, "ELF Identification").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// `ELFCLASS32`
    Bits32 = 1,
    /// `ELFCLASS64`
    Bits64 = 2,
}

/// Byte order, `e_ident[EI_DATA]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Endian {
    /// `ELFDATA2LSB`
    Little = 1,
    /// `ELFDATA2MSB`
    Big = 2,
}

/// The three header fields that tell machines apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elf {
    /// Word size.
    pub class: Class,
    /// Byte order.
    pub endian: Endian,
    /// `e_machine`, from the gABI's register of machines (`alpha`, `microblaze` and others use unofficial values).
    pub machine: u16,
}

impl Elf {
    pub(crate) const fn le32(machine: u16) -> Elf {
        Elf { class: Class::Bits32, endian: Endian::Little, machine }
    }

    pub(crate) const fn be32(machine: u16) -> Elf {
        Elf { class: Class::Bits32, endian: Endian::Big, machine }
    }

    pub(crate) const fn le64(machine: u16) -> Elf {
        Elf { class: Class::Bits64, endian: Endian::Little, machine }
    }

    pub(crate) const fn be64(machine: u16) -> Elf {
        Elf { class: Class::Bits64, endian: Endian::Big, machine }
    }

    /// Reads the three fields from a header's first 20 bytes; `None` if it is not ELF or shorter than that.
    pub fn parse(header: &[u8]) -> Option<Elf> {
        let header: &[u8; 20] = header.get(..20)?.try_into().ok()?;
        if !header.starts_with(b"\x7fELF") {
            return None;
        }
        let class = match header[4] {
            1 => Class::Bits32,
            2 => Class::Bits64,
            _ => return None,
        };
        let machine = [header[18], header[19]];
        match header[5] {
            1 => Some(Elf { class, endian: Endian::Little, machine: u16::from_le_bytes(machine) }),
            2 => Some(Elf { class, endian: Endian::Big, machine: u16::from_be_bytes(machine) }),
            _ => None,
        }
    }
}
