//! s390x, without 31-bit programs: distributions have none any more.

use exec::abi::{Abi, S390X};
use rustix::io::Errno;

use super::{GENERAL, failure, result};
use crate::ptrace::{self, Tid};

/// In the order of the filter's messages.
pub(crate) const ABIS: [Abi; 1] = [S390X];

/// `svc` has two bytes, of which the second may be the number of the call.
const INSTRUCTION: u64 = 2;

/// `s390_regs` in arch/s390/include/uapi/asm/ptrace.h: the program status word (mask, address), 16 general registers, 16 access
/// registers in 8 words, and the first argument.
const SIZE: usize = 27;
const ADDRESS: usize = 1;
const GPR1: usize = 3;
/// The number of the call at its entry, and then its result.
const GPR2: usize = 4;
const GPR15: usize = 17;
const ORIG_GPR2: usize = 26;

/// The general registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registers([u64; SIZE]);

impl Registers {
    pub(crate) fn read(tid: Tid) -> Result<Registers, Errno> {
        Ok(Registers(ptrace::registers::<SIZE>(tid, GENERAL)?.0))
    }

    pub(crate) fn write(&self, tid: Tid) -> Result<(), Errno> {
        ptrace::set_registers(tid, GENERAL, &self.0, size_of_val(&self.0))
    }

    /// The number of the call that is being made.
    pub(crate) fn number(&self) -> u64 {
        self.0[GPR2]
    }

    /// The first five arguments of the call that is being made.
    pub(crate) fn arguments(&self, _abi: &Abi) -> [u64; 5] {
        let [_, second, third, fourth, fifth] = std::array::from_fn(|index| self.0[GPR2 + index]);
        [self.0[ORIG_GPR2], second, third, fourth, fifth]
    }

    /// The stack pointer.
    pub(crate) fn stack(&self) -> u64 {
        self.0[GPR15]
    }

    /// The result of the call that has been made.
    pub(crate) fn result(&self, abi: &Abi) -> Result<u64, Errno> {
        result(self.0[GPR2], abi.pointer)
    }

    /// At the entry of a call: makes it another one.
    pub(crate) fn call(&self, tid: Tid, _abi: &Abi, number: u32, arguments: &[u64]) -> Result<(), Errno> {
        let mut changed = *self;
        for (index, argument) in arguments.iter().enumerate() {
            changed.0[GPR2 + index] = *argument;
        }
        if let Some(first) = arguments.first() {
            changed.0[ORIG_GPR2] = *first;
        }
        changed.0[GPR2] = u64::from(number);
        changed.write(tid)
    }

    /// After a call, from the registers at its entry: makes the same call once more. `svc 0` takes the number from a register,
    /// and any other has it inside; the call is made another one at its entry in either case.
    pub(crate) fn again(&self, tid: Tid) -> Result<(), Errno> {
        let mut changed = *self;
        changed.0[GPR1] = self.0[GPR2];
        changed.0[GPR2] = self.0[ORIG_GPR2];
        changed.0[ADDRESS] -= INSTRUCTION;
        changed.write(tid)
    }

    /// After a call, from the registers at its entry: gives all back, and this as the result.
    pub(crate) fn fail(&self, tid: Tid, errno: Errno) -> Result<(), Errno> {
        let mut changed = *self;
        changed.0[GPR2] = failure(errno);
        changed.write(tid)
    }
}
