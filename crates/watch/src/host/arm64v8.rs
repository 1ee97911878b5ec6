//! arm64v8, with 32-bit programs where the processor has them.

use exec::abi::{ARM, ARM64, Abi};
use rustix::io::Errno;

use super::{GENERAL, failure, result};
use crate::ptrace::{self, Tid};

/// In the order of the filter's messages.
pub(crate) const ABIS: [Abi; 2] = [ARM64, ARM];

/// `NT_ARM_SYSTEM_CALL`: the number of the call that is being made.
const SYSTEM_CALL: usize = 0x404;

/// `struct user_pt_regs` in arch/arm64/include/uapi/asm/ptrace.h: x0 to x30, sp, pc, pstate.
const SIZE: usize = 34;
const NUMBER: usize = 8;
const SP: usize = 31;
const PC: usize = 32;

/// The words of a 32-bit program (arch/arm/include/uapi/asm/ptrace.h): r0 to r15, cpsr and the first argument.
const NARROW_SIZE: usize = 4 * 18;
const NARROW_NUMBER: usize = 7;
const NARROW_SP: usize = 13;
const NARROW_PC: usize = 15;
const CPSR: usize = 16;
const ORIG_R0: usize = 17;
/// In cpsr: the processor reads 16-bit instructions.
const THUMB: u64 = 1 << 5;

/// The general registers; of a 32-bit program each in a word of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registers {
    words: [u64; SIZE],
    is_narrow: bool,
}

impl Registers {
    pub(crate) fn read(tid: Tid) -> Result<Registers, Errno> {
        let (raw, length) = ptrace::registers::<SIZE>(tid, GENERAL)?;
        if length != NARROW_SIZE {
            return Ok(Registers { words: raw, is_narrow: false });
        }
        let mut words = [0; SIZE];
        for index in 0..NARROW_SIZE / 4 {
            let pair = raw[index / 2];
            words[index] = if index % 2 == 0 { pair & 0xffff_ffff } else { pair >> 32 };
        }
        Ok(Registers { words, is_narrow: true })
    }

    pub(crate) fn write(&self, tid: Tid) -> Result<(), Errno> {
        if !self.is_narrow {
            return ptrace::set_registers(tid, GENERAL, &self.words, size_of_val(&self.words));
        }
        let mut raw = [0; SIZE];
        for index in 0..NARROW_SIZE / 4 {
            raw[index / 2] |= (self.words[index] & 0xffff_ffff) << (32 * (index % 2));
        }
        ptrace::set_registers(tid, GENERAL, &raw, NARROW_SIZE)
    }

    /// The number of the call that is being made.
    pub(crate) fn number(&self) -> u64 {
        self.words[if self.is_narrow { NARROW_NUMBER } else { NUMBER }]
    }

    /// The first five arguments of the call that is being made.
    pub(crate) fn arguments(&self, _abi: &Abi) -> [u64; 5] {
        let mut arguments = [0; 5];
        arguments.copy_from_slice(&self.words[..5]);
        if self.is_narrow {
            arguments[0] = self.words[ORIG_R0];
        }
        arguments
    }

    /// The stack pointer.
    pub(crate) fn stack(&self) -> u64 {
        self.words[if self.is_narrow { NARROW_SP } else { SP }]
    }

    /// The result of the call that has been made.
    pub(crate) fn result(&self, abi: &Abi) -> Result<u64, Errno> {
        result(self.words[0], abi.pointer)
    }

    /// At the entry of a call: makes it another one.
    pub(crate) fn call(&self, tid: Tid, _abi: &Abi, number: u32, arguments: &[u64]) -> Result<(), Errno> {
        let mut changed = *self;
        changed.words[..arguments.len()].copy_from_slice(arguments);
        changed.words[if self.is_narrow { NARROW_NUMBER } else { NUMBER }] = u64::from(number);
        if let (true, Some(first)) = (self.is_narrow, arguments.first()) {
            changed.words[ORIG_R0] = *first;
        }
        changed.write(tid)?;
        // The register alone is not what the kernel looks at; the first half of a word is the number on a machine with the low
        // byte first.
        ptrace::set_registers(tid, SYSTEM_CALL, &[u64::from(number)], 4)
    }

    /// After a call, from the registers at its entry: makes the same call once more.
    pub(crate) fn again(&self, tid: Tid) -> Result<(), Errno> {
        let mut changed = *self;
        if self.is_narrow {
            let is_thumb = self.words[CPSR] & THUMB != 0;
            changed.words[0] = self.words[ORIG_R0];
            changed.words[NARROW_PC] -= if is_thumb { 2 } else { 4 };
        } else {
            changed.words[PC] -= 4;
        }
        changed.write(tid)
    }

    /// After a call, from the registers at its entry: gives all back, and this as the result.
    pub(crate) fn fail(&self, tid: Tid, errno: Errno) -> Result<(), Errno> {
        let mut changed = *self;
        changed.words[0] = failure(errno);
        changed.write(tid)
    }
}
