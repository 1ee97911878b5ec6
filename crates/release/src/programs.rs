//! The programs of a release: `register` and `run` for each host, and small ones for each target to try an installation
//! with.

use anyhow::Context as _;
use arch::{Host, Target};
use builder::cross::Program;
use register::program;

/// Finds the `register` for the machine that it runs on.
pub(super) const SCRIPT: (&str, &str) = ("register.sh", include_str!("register.sh"));

/// The name of a program for a host.
pub(super) fn name(program: Program, host: Host) -> String {
    match program {
        Program::Register => format!("register_{host}"),
        // `run` alone says too little in a folder of downloads.
        Program::Run => format!("qus-run_{host}"),
    }
}

/// The name of `run` for a host with the QEMU of `target` inside.
pub(super) fn one_file_name(host: Host, target: Target) -> String {
    format!("qus-run-{target}_{host}")
}

/// The small programs for `targets`, or for all if empty:
///
/// - `test-program_TARGET` waits for a byte, or for the end of its input, and exits with 42: what `register` checks with;
/// - `test-aarch64` and `test-riscv64` print `Hello world!`: releases have had them since the first.
pub(super) fn small(targets: &[Target]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let wanted = |target: &Target| targets.is_empty() || targets.contains(target);
    let mut programs = Vec::new();
    for target in Target::all().filter(wanted) {
        let check = program::elf(target).with_context(|| format!("there is no program for {target}"))?;
        if let Some(code) = HELLO.iter().find(|(name, _)| *name == target.name()).map(|(_, code)| code) {
            programs.push((format!("test-{target}"), hello(&check, code)));
        }
        programs.push((format!("test-program_{target}"), check));
    }
    Ok(programs)
}

const TEXT: &[u8] = b"Hello world!\n";

/// `write(1, TEXT, 13)`, then `exit(0)`; the text lies behind the code. Numbers: asm-generic/unistd.h in Linux.
#[rustfmt::skip]
const HELLO: [(&str, &[u32]); 2] = [
    ("aarch64", &[
        0xd2800020, // mov x0,#1
        0x100000e1, // adr x1,.+28
        0xd28001a2, // mov x2,#13
        0xd2800808, // mov x8,#64
        0xd4000001, // svc #0
        0xd2800000, // mov x0,#0
        0xd2800ba8, // mov x8,#93
        0xd4000001, // svc #0
    ]),
    ("riscv64", &[
        0x00100513, // li a0,1
        0x00000597, // auipc a1,0
        0x02058593, // addi a1,a1,32
        0x00d00613, // li a2,13
        0x04000893, // li a7,64
        0x00000073, // ecall
        0x00000513, // li a0,0
        0x05d00893, // li a7,93
        0x00000073, // ecall
    ]),
];

/// Both are 64-bit little-endian ELF: a header of 64 bytes and one program header of 56.
const HEADERS: usize = 64 + 56;
/// `p_filesz` and `p_memsz` (System V gABI, "Program Header").
const SIZES: [usize; 2] = [64 + 32, 64 + 40];

/// The headers of the target's check program, before other code.
fn hello(check: &[u8], code: &[u32]) -> Vec<u8> {
    let mut file = check[..HEADERS].to_vec();
    file.extend(code.iter().flat_map(|word| word.to_le_bytes()));
    file.extend_from_slice(TEXT);
    let size = (file.len() as u64).to_le_bytes();
    for at in SIZES {
        file[at..at + size.len()].copy_from_slice(&size);
    }
    file
}
