//! The instructions of the programs: `read(0, sp, 1)`, then `exit(42)`.
//!
//! Assembled with GNU binutils 2.40 (hexagon: LLVM 14) from the assembly beside them; microblaze, loongarch64, cris, nios2 and
//! xtensaeb, for which there was no assembler at hand, are encoded after their instruction set manuals. Every program was
//! run under its QEMU. System call numbers: the target's `unistd.h` in Linux.

use super::Code::{self, Bytes, Halves, Words};
use super::Program;

/// By name.
#[rustfmt::skip]
pub static CODE: [Program; 36] = [
    Program { target: "aarch64", flags: 0, code: A64 },
    Program { target: "aarch64_be", flags: 0, code: A64 },
    Program { target: "alpha", flags: 0, code: ALPHA },
    Program { target: "arm", flags: 0x05000000, code: ARM },
    Program { target: "armeb", flags: 0x05000000, code: ARM },
    Program { target: "cris", flags: 0, code: CRIS },
    Program { target: "hexagon", flags: 0x00000067, code: HEXAGON },
    Program { target: "hppa", flags: 0, code: HPPA },
    Program { target: "i386", flags: 0, code: X86 },
    Program { target: "i486", flags: 0, code: X86 },
    Program { target: "loongarch64", flags: 0x00000043, code: LOONGARCH64 },
    Program { target: "m68k", flags: 0, code: M68K },
    Program { target: "microblaze", flags: 0, code: MICROBLAZE },
    Program { target: "microblazeel", flags: 0, code: MICROBLAZE },
    Program { target: "mips", flags: 0x50001000, code: MIPS_O32 },
    Program { target: "mips64", flags: 0x60000000, code: MIPS_N64 },
    Program { target: "mips64el", flags: 0x60000000, code: MIPS_N64 },
    Program { target: "mipsel", flags: 0x50001000, code: MIPS_O32 },
    Program { target: "mipsn32", flags: 0x60000020, code: MIPS_N32 },
    Program { target: "mipsn32el", flags: 0x60000020, code: MIPS_N32 },
    Program { target: "nios2", flags: 0, code: NIOS2 },
    Program { target: "or1k", flags: 0x00000001, code: OR1K },
    Program { target: "ppc", flags: 0, code: PPC },
    Program { target: "ppc64", flags: 0x00000002, code: PPC },
    Program { target: "ppc64le", flags: 0x00000002, code: PPC },
    Program { target: "riscv32", flags: 0, code: RISCV },
    Program { target: "riscv64", flags: 0, code: RISCV },
    Program { target: "s390x", flags: 0, code: S390X },
    Program { target: "sh4", flags: 0x00000009, code: SH4 },
    Program { target: "sh4eb", flags: 0x00000009, code: SH4 },
    Program { target: "sparc", flags: 0, code: SPARC },
    Program { target: "sparc32plus", flags: 0x00000100, code: SPARC },
    Program { target: "sparc64", flags: 0, code: SPARC64 },
    Program { target: "x86_64", flags: 0, code: X86_64 },
    Program { target: "xtensa", flags: 0, code: XTENSA },
    Program { target: "xtensaeb", flags: 0, code: XTENSAEB },
];

/// A64 instructions are little-endian in both byte orders of data.
#[rustfmt::skip]
const A64: Code = Bytes(&[
    0x00, 0x00, 0x80, 0xd2, // mov x0,#0
    0xe1, 0x03, 0x00, 0x91, // mov x1,sp
    0x22, 0x00, 0x80, 0xd2, // mov x2,#1
    0xe8, 0x07, 0x80, 0xd2, // mov x8,#63
    0x01, 0x00, 0x00, 0xd4, // svc #0
    0x40, 0x05, 0x80, 0xd2, // mov x0,#42
    0xa8, 0x0b, 0x80, 0xd2, // mov x8,#93
    0x01, 0x00, 0x00, 0xd4, // svc #0
]);

#[rustfmt::skip]
const ALPHA: Code = Words(&[
    0x221f0000, // lda $16,0($31)
    0x47fe0411, // mov $30,$17
    0x225f0001, // lda $18,1($31)
    0x201f0003, // lda $0,3($31)
    0x00000083, // callsys
    0x221f002a, // lda $16,42($31)
    0x201f0001, // lda $0,1($31)
    0x00000083, // callsys
]);

#[rustfmt::skip]
const ARM: Code = Words(&[
    0xe3a00000, // mov r0,#0
    0xe1a0100d, // mov r1,sp
    0xe3a02001, // mov r2,#1
    0xe3a07003, // mov r7,#3
    0xef000000, // svc #0
    0xe3a0002a, // mov r0,#42
    0xe3a07001, // mov r7,#1
    0xef000000, // svc #0
]);

#[rustfmt::skip]
const CRIS: Code = Halves(&[
    0xa240, // moveq 0,r10
    0xb66e, // move.d sp,r11
    0xc241, // moveq 1,r12
    0x9243, // moveq 3,r9
    0xe93d, // break 13
    0xa255, // moveq 21,r10
    0xa62a, // add.d r10,r10
    0x9241, // moveq 1,r9
    0xe93d, // break 13
]);

#[rustfmt::skip]
const HEXAGON: Code = Words(&[
    0x7800c000, // r0 = #0
    0x707dc001, // r1 = r29
    0x7800c022, // r2 = #1
    0x7800c7e6, // r6 = #63
    0x5400c004, // trap0(#1)
    0x7800c540, // r0 = #42
    0x7800cba6, // r6 = #93
    0x5400c004, // trap0(#1)
]);

#[rustfmt::skip]
const HPPA: Code = Words(&[
    0x341a0000, // ldi 0,%r26
    0x081e0259, // copy %r30,%r25
    0x34180002, // ldi 1,%r24
    0xe4008200, // ble 0x100(%sr2,%r0)
    0x34140006, // ldi 3,%r20
    0x341a0054, // ldi 42,%r26
    0xe4008200, // ble 0x100(%sr2,%r0)
    0x34140002, // ldi 1,%r20
]);

#[rustfmt::skip]
const X86: Code = Bytes(&[
    0x31, 0xdb, // xor %ebx,%ebx
    0x89, 0xe1, // mov %esp,%ecx
    0x6a, 0x01, // push $1
    0x5a,       // pop %edx
    0x6a, 0x03, // push $3
    0x58,       // pop %eax
    0xcd, 0x80, // int $0x80
    0x6a, 0x2a, // push $42
    0x5b,       // pop %ebx
    0x6a, 0x01, // push $1
    0x58,       // pop %eax
    0xcd, 0x80, // int $0x80
]);

#[rustfmt::skip]
const LOONGARCH64: Code = Words(&[
    0x03800004, // ori a0,zero,0
    0x00150065, // or a1,sp,zero
    0x03800406, // ori a2,zero,1
    0x0380fc0b, // ori a7,zero,63
    0x002b0000, // syscall 0
    0x0380a804, // ori a0,zero,42
    0x0381740b, // ori a7,zero,93
    0x002b0000, // syscall 0
]);

#[rustfmt::skip]
const M68K: Code = Halves(&[
    0x7200, // moveq #0,%d1
    0x240f, // move.l %sp,%d2
    0x7601, // moveq #1,%d3
    0x7003, // moveq #3,%d0
    0x4e40, // trap #0
    0x722a, // moveq #42,%d1
    0x7001, // moveq #1,%d0
    0x4e40, // trap #0
]);

#[rustfmt::skip]
const MICROBLAZE: Code = Words(&[
    0x30a00000, // addik r5,r0,0
    0x10c10000, // addk r6,r1,r0
    0x30e00001, // addik r7,r0,1
    0x31800003, // addik r12,r0,3
    0xb9cc0008, // brki r14,8
    0x30a0002a, // addik r5,r0,42
    0x31800001, // addik r12,r0,1
    0xb9cc0008, // brki r14,8
]);

#[rustfmt::skip]
const MIPS_O32: Code = Words(&[
    0x24040000, // li $4,0
    0x03a02825, // move $5,$sp
    0x24060001, // li $6,1
    0x24020fa3, // li $2,4003
    0x0000000c, // syscall
    0x2404002a, // li $4,42
    0x24020fa1, // li $2,4001
    0x0000000c, // syscall
]);

#[rustfmt::skip]
const MIPS_N64: Code = Words(&[
    0x24040000, // li $4,0
    0x03a02825, // move $5,$sp
    0x24060001, // li $6,1
    0x24021388, // li $2,5000
    0x0000000c, // syscall
    0x2404002a, // li $4,42
    0x240213c2, // li $2,5058
    0x0000000c, // syscall
]);

#[rustfmt::skip]
const MIPS_N32: Code = Words(&[
    0x24040000, // li $4,0
    0x03a02825, // move $5,$sp
    0x24060001, // li $6,1
    0x24021770, // li $2,6000
    0x0000000c, // syscall
    0x2404002a, // li $4,42
    0x240217aa, // li $2,6058
    0x0000000c, // syscall
]);

#[rustfmt::skip]
const NIOS2: Code = Words(&[
    0x01000004, // addi r4,r0,0
    0xd9400004, // addi r5,sp,0
    0x01800044, // addi r6,r0,1
    0x00800fc4, // addi r2,r0,63
    0x003b683a, // trap 0
    0x01000a84, // addi r4,r0,42
    0x00801744, // addi r2,r0,93
    0x003b683a, // trap 0
]);

#[rustfmt::skip]
const OR1K: Code = Words(&[
    0x9c600000, // l.addi r3,r0,0
    0xa8810000, // l.ori r4,r1,0
    0x9ca00001, // l.addi r5,r0,1
    0x9d60003f, // l.addi r11,r0,63
    0x20000001, // l.sys 1
    0x9c60002a, // l.addi r3,r0,42
    0x9d60005d, // l.addi r11,r0,93
    0x20000001, // l.sys 1
]);

#[rustfmt::skip]
const PPC: Code = Words(&[
    0x38600000, // li 3,0
    0x7c240b78, // mr 4,1
    0x38a00001, // li 5,1
    0x38000003, // li 0,3
    0x44000002, // sc
    0x3860002a, // li 3,42
    0x38000001, // li 0,1
    0x44000002, // sc
]);

#[rustfmt::skip]
const RISCV: Code = Words(&[
    0x00000513, // li a0,0
    0x00010593, // mv a1,sp
    0x00100613, // li a2,1
    0x03f00893, // li a7,63
    0x00000073, // ecall
    0x02a00513, // li a0,42
    0x05d00893, // li a7,93
    0x00000073, // ecall
]);

#[rustfmt::skip]
const S390X: Code = Bytes(&[
    0xa7, 0x29, 0x00, 0x00, // lghi %r2,0
    0xb9, 0x04, 0x00, 0x3f, // lgr %r3,%r15
    0xa7, 0x49, 0x00, 0x01, // lghi %r4,1
    0x0a, 0x03,             // svc 3
    0xa7, 0x29, 0x00, 0x2a, // lghi %r2,42
    0x0a, 0x01,             // svc 1
]);

#[rustfmt::skip]
const SH4: Code = Halves(&[
    0xe400, // mov #0,r4
    0x65f3, // mov r15,r5
    0xe601, // mov #1,r6
    0xe303, // mov #3,r3
    0xc313, // trapa #0x13
    0xe42a, // mov #42,r4
    0xe301, // mov #1,r3
    0xc311, // trapa #0x11
]);

#[rustfmt::skip]
const SPARC: Code = Words(&[
    0x90102000, // mov 0,%o0
    0x9210000e, // mov %sp,%o1
    0x94102001, // mov 1,%o2
    0x82102003, // mov 3,%g1
    0x91d02010, // ta 0x10
    0x9010202a, // mov 42,%o0
    0x82102001, // mov 1,%g1
    0x91d02010, // ta 0x10
]);

#[rustfmt::skip]
const SPARC64: Code = Words(&[
    0x90102000, // mov 0,%o0
    0x9210000e, // mov %sp,%o1
    0x94102001, // mov 1,%o2
    0x82102003, // mov 3,%g1
    0x91d0206d, // ta 0x6d
    0x9010202a, // mov 42,%o0
    0x82102001, // mov 1,%g1
    0x91d0206d, // ta 0x6d
]);

#[rustfmt::skip]
const X86_64: Code = Bytes(&[
    0x31, 0xff,       // xor %edi,%edi
    0x48, 0x89, 0xe6, // mov %rsp,%rsi
    0x6a, 0x01,       // push $1
    0x5a,             // pop %rdx
    0x31, 0xc0,       // xor %eax,%eax
    0x0f, 0x05,       // syscall
    0x6a, 0x2a,       // push $42
    0x5f,             // pop %rdi
    0x6a, 0x3c,       // push $60
    0x58,             // pop %rax
    0x0f, 0x05,       // syscall
]);

#[rustfmt::skip]
const XTENSA: Code = Bytes(&[
    0x0c, 0x06,       // movi a6,0
    0x3d, 0x01,       // mov a3,a1
    0x0c, 0x14,       // movi a4,1
    0x0c, 0xc2,       // movi a2,12
    0x00, 0x50, 0x00, // syscall
    0x2c, 0xa6,       // movi a6,42
    0x22, 0xa0, 0x76, // movi a2,118
    0x00, 0x50, 0x00, // syscall
]);

#[rustfmt::skip]
const XTENSAEB: Code = Bytes(&[
    0xc0, 0x60,       // movi a6,0
    0xd3, 0x10,       // mov a3,a1
    0xc0, 0x41,       // movi a4,1
    0xc0, 0x2c,       // movi a2,12
    0x00, 0x05, 0x00, // syscall
    0xc2, 0x6a,       // movi a6,42
    0x22, 0x0a, 0x76, // movi a2,118
    0x00, 0x05, 0x00, // syscall
]);
