//! The seccomp filter that reports every exec, as a value (classic BPF; Documentation/userspace-api/seccomp_filter.rst).

use crate::abi::Abi;

/// One instruction, as `struct sock_filter` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// The operation.
    pub code: u16,
    /// Instructions to skip if a comparison holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// The constant.
    pub k: u32,
}

/// The receiver of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    /// The tracer. It finds the index of the ABI in the event's message.
    Tracer,
    /// The holder of the listener.
    Listener,
}

/// `BPF_LD | BPF_W | BPF_ABS`: loads four bytes of `struct seccomp_data`.
const LOAD: u16 = 0x20;
/// `BPF_JMP | BPF_JEQ | BPF_K`
const IF_EQUAL: u16 = 0x15;
/// `BPF_RET | BPF_K`
const RETURN: u16 = 0x06;

/// `SECCOMP_RET_ALLOW`
const ALLOW: u32 = 0x7fff_0000;
/// `SECCOMP_RET_TRACE`; its low half goes to the tracer.
const TRACE: u32 = 0x7ff0_0000;
/// `SECCOMP_RET_USER_NOTIF`
const NOTIFY: u32 = 0x7fc0_0000;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const AUDIT: u32 = 4;

fn load(offset: u32) -> Instruction {
    Instruction { code: LOAD, jt: 0, jf: 0, k: offset }
}

fn give(value: u32) -> Instruction {
    Instruction { code: RETURN, jt: 0, jf: 0, k: value }
}

/// Goes on with the next instruction if the loaded value is `k`, else skips `otherwise` instructions.
fn if_equal(k: u32, otherwise: usize) -> Instruction {
    debug_assert!(otherwise <= 255, "a jump that the instruction has no room for");
    Instruction { code: IF_EQUAL, jt: 0, jf: otherwise.to_le_bytes()[0], k }
}

/// The filter for a machine with these ABIs. Everything but an exec is allowed.
pub fn filter(abis: &[Abi], reports: Reports) -> Vec<Instruction> {
    let mut filter = vec![load(AUDIT)];
    let mut audits: Vec<u32> = abis.iter().map(|abi| abi.audit).collect();
    audits.dedup();
    for audit in audits {
        let mut block = vec![load(NUMBER)];
        // The index is small: a machine has three at most.
        for (index, abi) in (0..).zip(abis).filter(|(_, abi)| abi.audit == audit) {
            let report = match reports {
                Reports::Tracer => TRACE | index,
                Reports::Listener => NOTIFY,
            };
            for number in [abi.execve, abi.execveat] {
                block.extend([if_equal(number, 1), give(report)]);
            }
        }
        block.push(give(ALLOW));
        filter.push(if_equal(audit, block.len()));
        filter.extend(block);
    }
    filter.push(give(ALLOW));
    filter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{AMD64, ARM, ARM64, I386, S390X, X32_ABI};

    /// `struct seccomp_data`, in the byte order of `abi`.
    fn data(abi: &Abi, audit: u32, number: u32, first: u64) -> Vec<u8> {
        let word = |value: u32| match abi.is_little_endian {
            true => value.to_le_bytes(),
            false => value.to_be_bytes(),
        };
        let mut data = [word(number), word(audit), [0; 4], [0; 4]].concat();
        data.extend(if abi.is_little_endian { first.to_le_bytes() } else { first.to_be_bytes() });
        data.resize(64, 0);
        data
    }

    /// The value that the kernel's interpreter of BPF returns.
    fn run(filter: &[Instruction], data: &[u8], is_little_endian: bool) -> u32 {
        let (mut at, mut loaded) = (0, 0);
        for _ in 0..filter.len() {
            let Instruction { code, jt, jf, k } = filter[at];
            at += 1;
            match code {
                LOAD => {
                    let at = usize::try_from(k).unwrap();
                    assert_eq!(at % 4, 0);
                    let bytes = data[at..at + 4].try_into().unwrap();
                    loaded =
                        if is_little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
                }
                IF_EQUAL => at += usize::from(if loaded == k { jt } else { jf }),
                RETURN => return k,
                _ => panic!("{code:#x}"),
            }
        }
        panic!("it does not end")
    }

    const HOSTS: [&[Abi]; 3] = [&[AMD64, X32_ABI, I386], &[ARM64, ARM], &[S390X]];

    #[test]
    fn every_exec_is_reported_and_nothing_else() {
        for abis in HOSTS {
            for reports in [Reports::Tracer, Reports::Listener] {
                let filter = filter(abis, reports);
                for (index, abi) in (0..).zip(abis) {
                    let result = |number: u32, first: u64| {
                        run(&filter, &data(abi, abi.audit, number, first), abi.is_little_endian)
                    };
                    let report = if reports == Reports::Tracer { TRACE | index } else { NOTIFY };
                    for first in [0, 5, u64::MAX] {
                        for number in [abi.execve, abi.execveat] {
                            assert_eq!(result(number, first), report, "{abi:?} {first:#x}");
                        }
                    }
                    let execs: Vec<u32> = abis
                        .iter()
                        .filter(|other| other.audit == abi.audit)
                        .flat_map(|abi| [abi.execve, abi.execveat])
                        .collect();
                    for number in (0..600).flat_map(|number| [number, 0x4000_0000 | number]) {
                        if !execs.contains(&number) {
                            assert_eq!(result(number, 0), ALLOW, "{number:#x} {abi:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn programs_of_other_machines_are_let_alone() {
        let filter = filter(&[AMD64, X32_ABI, I386], Reports::Tracer);
        assert_eq!(run(&filter, &data(&AMD64, 0xc000_00f3, 59, 0), true), ALLOW);
    }

    #[test]
    fn the_filter_for_one_abi_as_a_whole() {
        let instruction = |code, jf, k| Instruction { code, jt: 0, jf, k };
        assert_eq!(
            filter(&[S390X], Reports::Tracer),
            [
                instruction(0x20, 0, 4),
                instruction(0x15, 6, 0x8000_0016),
                instruction(0x20, 0, 0),
                instruction(0x15, 1, 11),
                instruction(0x06, 0, 0x7ff0_0000),
                instruction(0x15, 1, 354),
                instruction(0x06, 0, 0x7ff0_0000),
                instruction(0x06, 0, 0x7fff_0000),
                instruction(0x06, 0, 0x7fff_0000),
            ]
        );
    }
}
