//! The bytes by which binfmt_misc recognises a target's programs.

use crate::elf::{Class, Elf, Endian};

/// ELF header bytes and the mask under which they are compared, as binfmt_misc takes them
/// (`Documentation/admin-guide/binfmt-misc.rst`). 20 bytes reach to the end of `e_machine`; 40 reach to the end of
/// a 32-bit `e_flags`, which is what tells mips from mipsn32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Magic {
    value: [u8; 40],
    mask: [u8; 40],
    len: usize,
}

/// The places where a target's mask departs from the common one.
#[derive(Clone, Copy)]
pub(crate) struct Relaxed {
    /// Mask of `EI_OSABI`: 0 takes any, 0xfc takes System V (0) to GNU/Linux (3).
    pub(crate) osabi: u8,
    /// Mask of `EI_ABIVERSION`.
    pub(crate) abi_version: u8,
    /// Mask of `EI_DATA` and `EI_VERSION`.
    pub(crate) ident: u8,
    /// Mask of the high byte of `e_machine`.
    pub(crate) machine_high: u8,
}

impl Relaxed {
    pub(crate) const ANY: Relaxed =
        Relaxed { osabi: 0x00, abi_version: 0xff, ident: 0xff, machine_high: 0xff };
    pub(crate) const LINUX: Relaxed = Relaxed { osabi: 0xfc, ..Relaxed::ANY };
    pub(crate) const X86: Relaxed = Relaxed { ident: 0xfe, ..Relaxed::LINUX };
    pub(crate) const MIPS: Relaxed = Relaxed { abi_version: 0x00, ..Relaxed::ANY };
    pub(crate) const LOONGARCH: Relaxed = Relaxed { abi_version: 0x00, ..Relaxed::LINUX };
    pub(crate) const PPC64LE: Relaxed = Relaxed { machine_high: 0x00, ..Relaxed::LINUX };
}

/// `EF_MIPS_ABI2`: the flag of n32 programs.
const EF_MIPS_ABI2: u8 = 0x20;

impl Magic {
    pub(crate) const fn new(elf: Elf, relaxed: Relaxed) -> Magic {
        let mut value = [0; 40];
        let mut mask = [0; 40];
        (value[0], value[1], value[2], value[3]) = (0x7f, b'E', b'L', b'F');
        value[4] = match elf.class {
            Class::Bits32 => 1,
            Class::Bits64 => 2,
        };
        value[6] = 1;
        let mut i = 0;
        while i < 20 {
            mask[i] = 0xff;
            i += 1;
        }
        (mask[5], mask[6], mask[7], mask[8]) =
            (relaxed.ident, relaxed.ident, relaxed.osabi, relaxed.abi_version);
        // e_type 2 is ET_EXEC, 3 is ET_DYN (position independent): the lowest bit is not compared.
        match elf.endian {
            Endian::Little => {
                value[5] = 1;
                (value[16], mask[16]) = (2, 0xfe);
                [value[18], value[19]] = elf.machine.to_le_bytes();
                mask[19] = relaxed.machine_high;
            }
            Endian::Big => {
                value[5] = 2;
                (value[17], mask[17]) = (2, 0xfe);
                [value[18], value[19]] = elf.machine.to_be_bytes();
                mask[18] = relaxed.machine_high;
            }
        }
        Magic { value, mask, len: 20 }
    }

    /// Extends the comparison over `e_version` (1) and the n32 flag in `e_flags`.
    pub(crate) const fn with_n32(mut self, endian: Endian, n32: bool) -> Magic {
        let (version, flags) = match endian {
            Endian::Little => (20, 36),
            Endian::Big => (23, 39),
        };
        let mut i = 20;
        while i < 24 {
            self.mask[i] = 0xff;
            i += 1;
        }
        self.value[version] = 1;
        self.mask[flags] = EF_MIPS_ABI2;
        if n32 {
            self.value[flags] = EF_MIPS_ABI2;
        }
        self.len = 40;
        self
    }

    /// The bytes to compare with; as long as [`Magic::mask`].
    pub fn value(&self) -> &[u8] {
        &self.value[..self.len]
    }

    /// The bits that are compared.
    pub fn mask(&self) -> &[u8] {
        &self.mask[..self.len]
    }

    /// True if the kernel would take a program that begins with `header` for this target's.
    pub fn matches(&self, header: &[u8]) -> bool {
        header.len() >= self.len
            && header
                .iter()
                .zip(self.mask())
                .zip(self.value())
                .all(|((byte, mask), value)| byte & mask == *value & mask)
    }
}
