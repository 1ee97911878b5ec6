//! amd64, with its three ABIs.

use exec::abi::{AMD64, Abi, I386, X32_ABI};
use rustix::io::Errno;

use super::{GENERAL, failure, result};
use crate::ptrace::{self, Tid};

/// In the order of the filter's messages.
pub(crate) const ABIS: [Abi; 3] = [AMD64, X32_ABI, I386];

/// `syscall`, `sysenter` and `int 0x80` have two bytes. What a `sysenter` returns to is an `int 0x80` that the kernel has put
/// there for calls to be made again (arch/x86/entry/vdso/vdso32/system_call.S).
const INSTRUCTION: u64 = 2;

/// `struct user_regs_struct` in arch/x86/include/asm/user_64.h, word by word.
const SIZE: usize = 27;
const RAX: usize = 10;
const ORIG_RAX: usize = 15;
const RIP: usize = 16;
const RSP: usize = 19;
const BY_SYSCALL: [usize; 6] = [14, 13, 12, 7, 9, 8]; // rdi rsi rdx r10 r8 r9
const BY_INTERRUPT: [usize; 6] = [5, 11, 12, 13, 14, 4]; // rbx rcx rdx rsi rdi rbp

/// `struct user_regs_struct32` in arch/x86/include/asm/user32.h: the words of a 32-bit program, each with the place of its
/// 64-bit register above.
const NARROW: [usize; 17] = [5, 11, 12, 13, 14, 4, 10, 23, 24, 25, 26, 15, 16, 17, 18, 19, 20];
const NARROW_SIZE: usize = 4 * NARROW.len();

/// The general registers, in 64-bit form whatever the program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registers {
    words: [u64; SIZE],
    /// Bytes, as the kernel has them.
    length: usize,
}

impl Registers {
    pub(crate) fn read(tid: Tid) -> Result<Registers, Errno> {
        let (raw, length) = ptrace::registers::<SIZE>(tid, GENERAL)?;
        let mut words = raw;
        if length == NARROW_SIZE {
            for (index, place) in NARROW.into_iter().enumerate() {
                let pair = raw[index / 2];
                words[place] = if index % 2 == 0 { pair & 0xffff_ffff } else { pair >> 32 };
            }
        }
        Ok(Registers { words, length })
    }

    pub(crate) fn write(&self, tid: Tid) -> Result<(), Errno> {
        let mut raw = self.words;
        if self.length == NARROW_SIZE {
            for (index, place) in NARROW.into_iter().enumerate() {
                let half = self.words[place] & 0xffff_ffff;
                let pair = &mut raw[index / 2];
                *pair = if index % 2 == 0 { half } else { *pair & 0xffff_ffff | half << 32 };
            }
        }
        ptrace::set_registers(tid, GENERAL, &raw, self.length)
    }

    fn places(abi: &Abi) -> &'static [usize; 6] {
        if abi.audit == I386.audit { &BY_INTERRUPT } else { &BY_SYSCALL }
    }

    /// The number of the call that is being made.
    pub(crate) fn number(&self) -> u64 {
        self.words[ORIG_RAX]
    }

    /// The first five arguments of the call that is being made.
    pub(crate) fn arguments(&self, abi: &Abi) -> [u64; 5] {
        let narrow = if abi.audit == I386.audit { 0xffff_ffff } else { u64::MAX };
        std::array::from_fn(|index| self.words[Registers::places(abi)[index]] & narrow)
    }

    /// The stack pointer.
    pub(crate) fn stack(&self) -> u64 {
        self.words[RSP]
    }

    /// The result of the call that has been made.
    pub(crate) fn result(&self, abi: &Abi) -> Result<u64, Errno> {
        result(self.words[RAX], abi.pointer)
    }

    /// At the entry of a call: makes it another one.
    pub(crate) fn call(&self, tid: Tid, abi: &Abi, number: u32, arguments: &[u64]) -> Result<(), Errno> {
        let mut changed = *self;
        for (place, argument) in Registers::places(abi).iter().zip(arguments) {
            changed.words[*place] = *argument;
        }
        changed.words[ORIG_RAX] = u64::from(number);
        changed.write(tid)
    }

    /// After a call, from the registers at its entry: makes the same call once more.
    pub(crate) fn again(&self, tid: Tid) -> Result<(), Errno> {
        let mut changed = *self;
        changed.words[RAX] = self.words[ORIG_RAX];
        changed.words[RIP] -= INSTRUCTION;
        // No call is being made: the kernel is not to make it again on its own account (`arch_do_signal_or_restart`).
        changed.words[ORIG_RAX] = u64::MAX;
        changed.write(tid)
    }

    /// After a call, from the registers at its entry: gives all back, and this as the result.
    pub(crate) fn fail(&self, tid: Tid, errno: Errno) -> Result<(), Errno> {
        let mut changed = *self;
        changed.words[RAX] = failure(errno);
        changed.write(tid)
    }
}
