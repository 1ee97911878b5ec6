//! The CPU that QEMU emulates: chosen, given by hand, and by the environment.

use arch::program;

use crate::stand::{Stand, TRACE};

/// The CPU of a foreign program and of the one that it starts, by the numbers that its maker gives it: 0xd0c is a Neoverse N1,
/// 0xd07 a Cortex-A57.
const PART: &str = "grep -m 1 part /proc/cpuinfo; ./busybox-aarch64 grep -m 1 part /proc/cpuinfo";

fn part(number: &str) -> String {
    format!("CPU part\t: {number}\nCPU part\t: {number}\n")
}

#[test]
fn a_fast_one_unless_another_is_asked_for() {
    let stand = Stand::new();
    stand.sh(PART).check(0, &part("0xd0c"), "");
    let with = |cpu: &str| stand.run(&format!("--cpu {cpu} ./busybox-aarch64 sh -c"), &[PART]);
    with("auto").check(0, &part("0xd0c"), "");
    with("cortex-a57").check(0, &part("0xd07"), "");
    let default = with("qemu");
    let qemu = "bin/qemu-aarch64-static ./busybox-aarch64";
    let expected = stand.end(&format!("{qemu} grep -m 1 part /proc/cpuinfo"), &[]);
    default.check(0, &expected.out.repeat(2), "");
    assert_ne!(default.out, part("0xd0c"));
}

#[test]
fn the_programs_own_environment_wins() {
    let stand = Stand::new();
    // The first shell is a native one.
    let script = "export QEMU_CPU=cortex-a57; ./busybox-aarch64 sh -c \"$PART\"; \
                  unset QEMU_CPU; ./busybox-aarch64 sh -c \"$PART\"";
    for options in ["", "--cpu neoverse-n1"] {
        let mut command = stand.command(&format!("{TRACE} {options} sh -c"), &[script]);
        let ended = stand.ended(command.env("PART", PART));
        ended.check(0, &(part("0xd07") + &part("0xd0c")), "");
    }
    let set = format!("env QEMU_CPU=cortex-a57 {TRACE} --cpu neoverse-n1 ./busybox-aarch64 sh -c");
    stand.end(&set, &[PART]).check(0, &part("0xd07"), "");
}

#[test]
fn a_model_is_for_the_targets_that_have_it() {
    let stand = Stand::new();
    let script = "grep -m 1 part /proc/cpuinfo; ./busybox-s390x uname -m";
    let ended = stand.run("--cpu cortex-a57 ./busybox-aarch64 sh -c", &[script]);
    ended.check(0, "CPU part\t: 0xd07\ns390x\n", "");
}

#[test]
fn models_that_there_are_not() {
    let stand = Stand::new();
    let ended = stand.run("--cpu cortex-a58 ./busybox-aarch64 true", &[]);
    let (message, hint) = ended.err.split_once('\n').unwrap();
    assert!(message.starts_with("error: QEMU "), "{message}");
    assert!(message.ends_with(" has no CPU model `cortex-a58` for aarch64"), "{message}");
    assert!(hint.starts_with("hint: it has ") && hint.contains(", cortex-a57, "), "{hint}");
    assert!(hint.ends_with("; --cpu qemu is its own default\n"), "{hint}");
    assert_eq!((ended.code, ended.out.as_str()), (Some(125), ""));
    let ended = stand.run("--cpu neoverse-n1 ./busybox-s390x true", &[]);
    assert!(ended.err.contains("\nhint: that is one of aarch64's; it has "), "{ended:?}");
    let message = "error: no QEMU here has a CPU model `cortex-a58`\nhint: --cpu qemu is its own default\n";
    stand.run("--cpu cortex-a58 true", &[]).check(125, "", message);
    stand.run("--cpu cortex-a57 true", &[]).check(0, "", "");
}

/// The line about a small RISC-V program with these bits among its flags.
fn riscv64(stand: &Stand, options: &str, flags: u8) -> String {
    let mut program = program::elf("riscv64".parse().unwrap()).unwrap();
    program[48] |= flags;
    stand.put("small", program);
    let ended = stand.run(&format!("-v {options} ./small"), &[]);
    assert_eq!(ended.code, Some(program::EXIT_CODE), "{ended:?}");
    ended.err.lines().find_map(|line| line.split_once("./small: ")).unwrap().1.to_owned()
}

#[test]
fn a_program_that_needs_more_and_a_qemu_that_has_less() {
    let stand = Stand::new();
    stand.put_qemu("riscv64");
    assert_eq!(riscv64(&stand, "", 0), "qemu-riscv64 -cpu max,ztso=off");
    assert_eq!(riscv64(&stand, "", 0x10), "qemu-riscv64");
    // Who asks for a model knows what the program needs.
    assert_eq!(riscv64(&stand, "--cpu rva22u64", 0x10), "qemu-riscv64 -cpu rva22u64");
    stand.put_old_qemu("riscv64");
    assert_eq!(riscv64(&stand, "", 0), "qemu-riscv64");
}

/// A small RISC-V program that begins with an instruction of the vector extension.
fn vector_program() -> Vec<u8> {
    let mut program = program::elf("riscv64".parse().unwrap()).unwrap();
    let number = |at: usize| usize::from_le_bytes(program[at..at + 8].try_into().unwrap());
    // The first segment has the whole file.
    let (entry, segment) = (number(24), number(32));
    let (address, size) = (number(segment + 16), number(segment + 32));
    for at in [segment + 32, segment + 40] {
        program[at..at + 8].copy_from_slice(&(size + 4).to_le_bytes());
    }
    // vsetvli t0, zero, e8, m1
    program.splice(entry - address..entry - address, 0x0000_72d7_u32.to_le_bytes());
    program
}

#[test]
fn a_program_with_vectors_runs_unless_a_model_has_none() {
    let stand = Stand::new();
    stand.put_qemu("riscv64");
    stand.put("vectors", vector_program());
    for line in ["./vectors", "--cpu qemu ./vectors"] {
        stand.run(line, &[]).check(program::EXIT_CODE, "", "");
    }
    let ended = stand.run("--cpu rva22u64 ./vectors", &[]);
    assert!(ended.code.is_none() && ended.err.contains("Illegal instruction"), "{ended:?}");
}

/// Something else starts QEMU: a table of one's own, another `run`.
#[test]
fn in_other_modes_a_model_comes_from_a_variable() {
    let stand = Stand::new();
    let command = "--cpu cortex-a57 ./busybox-aarch64 sh -c";
    stand.end(&format!("./run --mode userns {command}"), &[PART]).check(0, &part("0xd07"), "");
    stand.run(&format!("./run --mode kernel {command}"), &[PART]).check(0, &part("0xd07"), "");
    // Where it starts QEMU itself, no program sees one.
    stand.run(command, &["echo $QEMU_CPU"]).check(0, "\n", "");
}
