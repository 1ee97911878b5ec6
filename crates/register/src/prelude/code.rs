//! The instructions of preludes, one for each host.
//!
//! Assembled with the pinned compiler's LLVM (`global_asm!`) from the assembly beside them. Each was run with Debian's QEMU, on the
//! machine itself or under its emulator: `tests/it/prelude.rs`.
//!
//! At a program's start `sp` points to the number of arguments, behind which are the arguments, NULL, the environment and NULL (System
//! V psABI, "Process Initialization"). The instructions look through the environment for the key in their [data](super). Where
//! it is not, they put two arguments behind the first, which moves with their number to lower addresses; on i386, whose stack
//! pointer is a multiple of 16 in an ABI with pointers of 4 bytes, it is both twice, which QEMU takes as once. In the end they jump to
//! QEMU's own entry. The registers that carry something into it stay as they are: `rdx`, `edx`, `x0`, `r0`, `%r14`, `r7` and `a0`
//! with the function to call at exit, and `sp`; `r12` is the entry's address in ppc64le's ABI.

use arch::{Class, Elf, Endian};

/// Instructions, in units that have the host's byte order. All hosts with words are little-endian.
#[derive(Clone, Copy)]
enum Code {
    Bytes(&'static [u8]),
    Words(&'static [u32]),
}

use Code::{Bytes, Words};

/// The instructions for programs with this header, a multiple of 4 bytes; `None` where there are none.
pub(super) fn code(elf: Elf) -> Option<Vec<u8>> {
    let code = match (elf.machine, elf.class, elf.endian) {
        (62, Class::Bits64, Endian::Little) => X86_64,
        (3, Class::Bits32, Endian::Little) => X86,
        (183, Class::Bits64, Endian::Little) => A64,
        (40, Class::Bits32, Endian::Little) => A32,
        (22, Class::Bits64, Endian::Big) => S390X,
        (21, Class::Bits64, Endian::Little) => PPC64LE,
        (243, Class::Bits64, Endian::Little) => RV64,
        (258, Class::Bits64, Endian::Little) => LA64,
        _ => return None,
    };
    Some(match code {
        Bytes(bytes) => bytes.to_vec(),
        Words(words) => words.iter().flat_map(|word| word.to_le_bytes()).collect(),
    })
}

#[rustfmt::skip]
const X86_64: Code = Bytes(&[
    0x48, 0x8b, 0x0c, 0x24, // mov (%rsp), %rcx
    0x48, 0x8d, 0x74, 0xcc, 0x10, // lea 16(%rsp,%rcx,8), %rsi
    0x4c, 0x8d, 0x05, 0x38, 0x00, 0x00, 0x00, // lea 9f(%rip), %r8
    0x48, 0xad, // 1: lodsq
    0x48, 0x85, 0xc0, // test %rax, %rax
    0x74, 0x17, // jz 3f
    0x49, 0x8d, 0x78, 0x08, // lea 8(%r8), %rdi
    0x8a, 0x08, // 2: mov (%rax), %cl
    0x38, 0x0f, // cmp %cl, (%rdi)
    0x75, 0xef, // jne 1b
    0x48, 0xff, 0xc0, // inc %rax
    0x48, 0xff, 0xc7, // inc %rdi
    0x80, 0xf9, 0x3d, // cmp $'=', %cl
    0x75, 0xef, // jne 2b
    0xeb, 0x12, // jmp 4f
    0x58, // 3: pop %rax
    0x59, // pop %rcx
    0x49, 0x8d, 0x78, 0x18, // lea 24(%r8), %rdi
    0x57, // push %rdi
    0x48, 0x83, 0xef, 0x06, // sub $6, %rdi
    0x57, // push %rdi
    0x51, // push %rcx
    0x48, 0x83, 0xc0, 0x02, // add $2, %rax
    0x50, // push %rax
    0x4d, 0x03, 0x00, // 4: add (%r8), %r8
    0x41, 0xff, 0xe0, // jmp *%r8
    0x66, 0x90, // nop: what follows is aligned
]);

#[rustfmt::skip]
const X86: Code = Bytes(&[
    0xe8, 0x00, 0x00, 0x00, 0x00, // call 0f
    0x5b, // 0: pop %ebx
    0x83, 0xc3, 0x3b, // add $9f-0b, %ebx
    0x8b, 0x0c, 0x24, // mov (%esp), %ecx
    0x8d, 0x74, 0x8c, 0x08, // lea 8(%esp,%ecx,4), %esi
    0xad, // 1: lodsl
    0x85, 0xc0, // test %eax, %eax
    0x74, 0x12, // jz 3f
    0x8d, 0x7b, 0x04, // lea 4(%ebx), %edi
    0x8a, 0x08, // 2: mov (%eax), %cl
    0x38, 0x0f, // cmp %cl, (%edi)
    0x75, 0xf2, // jne 1b
    0x40, // inc %eax
    0x47, // inc %edi
    0x80, 0xf9, 0x3d, // cmp $'=', %cl
    0x75, 0xf3, // jne 2b
    0xeb, 0x11, // jmp 4f
    0x58, // 3: pop %eax
    0x59, // pop %ecx
    0x8d, 0x7b, 0x14, // lea 20(%ebx), %edi
    0x8d, 0x73, 0x0e, // lea 14(%ebx), %esi
    0x57, // push %edi
    0x56, // push %esi
    0x57, // push %edi
    0x56, // push %esi
    0x51, // push %ecx
    0x83, 0xc0, 0x04, // add $4, %eax
    0x50, // push %eax
    0x03, 0x1b, // 4: add (%ebx), %ebx
    0xff, 0xe3, // jmp *%ebx
    0x0f, 0x1f, 0x40, 0x00, // nop: what follows is aligned
]);

#[rustfmt::skip]
const A64: Code = Words(&[
    0xf94003e9, // ldr x9, [sp]
    0x8b296fea, // add x10, sp, x9, lsl #3
    0x9100414a, // add x10, x10, #16
    0x100002ab, // adr x11, 9f
    0xf840854c, // 1: ldr x12, [x10], #8
    0xb400012c, // cbz x12, 3f
    0x9100216d, // add x13, x11, #8
    0x3840158e, // 2: ldrb w14, [x12], #1
    0x384015af, // ldrb w15, [x13], #1
    0x6b0f01df, // cmp w14, w15
    0x54ffff41, // b.ne 1b
    0x7100f5df, // cmp w14, #'='
    0x54ffff61, // b.ne 2b
    0x14000007, // b 4f
    0xa9402be9, // 3: ldp x9, x10, [sp]
    0x91000929, // add x9, x9, #2
    0xa9bf2be9, // stp x9, x10, [sp, #-16]!
    0x9100496c, // add x12, x11, #18
    0x9100616d, // add x13, x11, #24
    0xa90137ec, // stp x12, x13, [sp, #16]
    0xf9400170, // 4: ldr x16, [x11]
    0x8b0b0210, // add x16, x16, x11
    0xd61f0200, // br x16
    0xd503201f, // nop
]);

#[rustfmt::skip]
const A32: Code = Words(&[
    0xe59d1000, // ldr r1, [sp]
    0xe08d2101, // add r2, sp, r1, lsl #2
    0xe2822008, // add r2, r2, #8
    0xe28f3058, // adr r3, 9f
    0xe4924004, // 1: ldr r4, [r2], #4
    0xe3540000, // cmp r4, #0
    0x0a000007, // beq 3f
    0xe2835004, // add r5, r3, #4
    0xe4d46001, // 2: ldrb r6, [r4], #1
    0xe4d57001, // ldrb r7, [r5], #1
    0xe1560007, // cmp r6, r7
    0x1afffff7, // bne 1b
    0xe356003d, // cmp r6, #61
    0x1afffff9, // bne 2b
    0xea000008, // b 4f
    0xe59d1000, // 3: ldr r1, [sp]
    0xe59d2004, // ldr r2, [sp, #4]
    0xe283400e, // add r4, r3, #14
    0xe2835014, // add r5, r3, #20
    0xe58d5004, // str r5, [sp, #4]
    0xe58d4000, // str r4, [sp]
    0xe52d2004, // str r2, [sp, #-4]!
    0xe2811002, // add r1, r1, #2
    0xe52d1004, // str r1, [sp, #-4]!
    0xe5931000, // 4: ldr r1, [r3]
    0xe0811003, // add r1, r1, r3
    0xe12fff11, // bx r1
]);

#[rustfmt::skip]
const S390X: Code = Bytes(&[
    0xe3, 0x10, 0xf0, 0x00, 0x00, 0x04, // lg %r1, 0(%r15)
    0xeb, 0x11, 0x00, 0x03, 0x00, 0x0d, // sllg %r1, %r1, 3
    0x41, 0x11, 0xf0, 0x10, // la %r1, 16(%r1,%r15)
    0xc0, 0x20, 0x00, 0x00, 0x00, 0x40, // larl %r2, 9f
    0xe3, 0x30, 0x10, 0x00, 0x00, 0x04, // 1: lg %r3, 0(%r1)
    0x41, 0x10, 0x10, 0x08, // la %r1, 8(%r1)
    0xb9, 0x02, 0x00, 0x33, // ltgr %r3, %r3
    0xa7, 0x84, 0x00, 0x16, // jz 3f
    0x41, 0x40, 0x20, 0x08, // la %r4, 8(%r2)
    0xe3, 0x50, 0x30, 0x00, 0x00, 0x90, // 2: llgc %r5, 0(%r3)
    0xd5, 0x00, 0x30, 0x00, 0x40, 0x00, // clc 0(1,%r3), 0(%r4)
    0xa7, 0x74, 0xff, 0xef, // jne 1b
    0x41, 0x30, 0x30, 0x01, // la %r3, 1(%r3)
    0x41, 0x40, 0x40, 0x01, // la %r4, 1(%r4)
    0xa7, 0x5f, 0x00, 0x3d, // cghi %r5, 61
    0xa7, 0x74, 0xff, 0xf2, // jne 2b
    0xa7, 0xf4, 0x00, 0x1c, // j 4f
    0xe3, 0x10, 0xf0, 0x00, 0x00, 0x04, // 3: lg %r1, 0(%r15)
    0xe3, 0x30, 0xf0, 0x08, 0x00, 0x04, // lg %r3, 8(%r15)
    0x41, 0x40, 0x20, 0x12, // la %r4, 18(%r2)
    0x41, 0x50, 0x20, 0x18, // la %r5, 24(%r2)
    0xe3, 0x40, 0xf0, 0x00, 0x00, 0x24, // stg %r4, 0(%r15)
    0xe3, 0x50, 0xf0, 0x08, 0x00, 0x24, // stg %r5, 8(%r15)
    0xa7, 0xfb, 0xff, 0xf0, // aghi %r15, -16
    0x41, 0x10, 0x10, 0x02, // la %r1, 2(%r1)
    0xe3, 0x10, 0xf0, 0x00, 0x00, 0x24, // stg %r1, 0(%r15)
    0xe3, 0x30, 0xf0, 0x08, 0x00, 0x24, // stg %r3, 8(%r15)
    0xe3, 0x20, 0x20, 0x00, 0x00, 0x08, // 4: ag %r2, 0(%r2)
    0x07, 0xf2, // br %r2
    0x07, 0x07, // nop: what follows is aligned
    0x07, 0x07, // nop: what follows is aligned
]);

#[rustfmt::skip]
const PPC64LE: Code = Words(&[
    0x429f0005, // bcl 20, 31, 0f
    0x7c6802a6, // 0: mflr 3
    0x38630084, // addi 3, 3, 9f-0b
    0xe8810000, // ld 4, 0(1)
    0x78841f24, // sldi 4, 4, 3
    0x7c840a14, // add 4, 4, 1
    0x38840010, // addi 4, 4, 16
    0xe8a40000, // 1: ld 5, 0(4)
    0x38840008, // addi 4, 4, 8
    0x2c250000, // cmpdi 5, 0
    0x4182002c, // beq 3f
    0x38c30008, // addi 6, 3, 8
    0x89050000, // 2: lbz 8, 0(5)
    0x89260000, // lbz 9, 0(6)
    0x7c084800, // cmpw 8, 9
    0x4082ffe0, // bne 1b
    0x38a50001, // addi 5, 5, 1
    0x38c60001, // addi 6, 6, 1
    0x2c08003d, // cmpwi 8, 61
    0x4082ffe4, // bne 2b
    0x48000028, // b 4f
    0xe8810000, // 3: ld 4, 0(1)
    0xe8a10008, // ld 5, 8(1)
    0x38c30012, // addi 6, 3, 18
    0x39030018, // addi 8, 3, 24
    0xf8c10000, // std 6, 0(1)
    0xf9010008, // std 8, 8(1)
    0x38840002, // addi 4, 4, 2
    0xf8a1fff8, // std 5, -8(1)
    0xf881fff1, // stdu 4, -16(1)
    0xe9830000, // 4: ld 12, 0(3)
    0x7d8c1a14, // add 12, 12, 3
    0x7d8903a6, // mtctr 12
    0x4e800420, // bctr
]);

#[rustfmt::skip]
const RV64: Code = Words(&[
    0x00013283, // ld t0, 0(sp)
    0x00329293, // slli t0, t0, 3
    0x002282b3, // add t0, t0, sp
    0x01028293, // addi t0, t0, 16
    0x00000317, // auipc t1, 0
    0x07030313, // 0: addi t1, t1, 112
    0x0002b383, // 1: ld t2, 0(t0)
    0x00828293, // addi t0, t0, 8
    0x02038463, // beqz t2, 3f
    0x00830e13, // addi t3, t1, 8
    0x0003ce83, // 2: lbu t4, 0(t2)
    0x000e4f03, // lbu t5, 0(t3)
    0xffee94e3, // bne t4, t5, 1b
    0x00138393, // addi t2, t2, 1
    0x001e0e13, // addi t3, t3, 1
    0x03d00f93, // addi t6, x0, 61
    0xfffe94e3, // bne t4, t6, 2b
    0x02c0006f, // j 4f
    0x00013383, // 3: ld t2, 0(sp)
    0x00813e03, // ld t3, 8(sp)
    0x01230e93, // addi t4, t1, 18
    0x01830f13, // addi t5, t1, 24
    0x01d13023, // sd t4, 0(sp)
    0x01e13423, // sd t5, 8(sp)
    0xff010113, // addi sp, sp, -16
    0x00238393, // addi t2, t2, 2
    0x00713023, // sd t2, 0(sp)
    0x01c13423, // sd t3, 8(sp)
    0x00033383, // 4: ld t2, 0(t1)
    0x006383b3, // add t2, t2, t1
    0x00038067, // jr t2
    0x00000013, // nop
]);

#[rustfmt::skip]
const LA64: Code = Words(&[
    0x28c0006c, // ld.d $t0, $sp, 0
    0x00410d8c, // slli.d $t0, $t0, 3
    0x00108d8c, // add.d $t0, $t0, $sp
    0x02c0418c, // addi.d $t0, $t0, 16
    0x1800000d, // pcaddi $t1, 0
    0x02c1c1ad, // 0: addi.d $t1, $t1, 112
    0x28c0018e, // 1: ld.d $t2, $t0, 0
    0x02c0218c, // addi.d $t0, $t0, 8
    0x400029c0, // beqz $t2, 3f
    0x02c021af, // addi.d $t3, $t1, 8
    0x2a0001d0, // 2: ld.bu $t4, $t2, 0
    0x2a0001f1, // ld.bu $t5, $t3, 0
    0x5fffea11, // bne $t4, $t5, 1b
    0x02c005ce, // addi.d $t2, $t2, 1
    0x02c005ef, // addi.d $t3, $t3, 1
    0x02c0f412, // addi.d $t6, $zero, 61
    0x5fffea12, // bne $t4, $t6, 2b
    0x50002c00, // b 4f
    0x28c0006e, // 3: ld.d $t2, $sp, 0
    0x28c0206f, // ld.d $t3, $sp, 8
    0x02c049b0, // addi.d $t4, $t1, 18
    0x02c061b1, // addi.d $t5, $t1, 24
    0x29c00070, // st.d $t4, $sp, 0
    0x29c02071, // st.d $t5, $sp, 8
    0x02ffc063, // addi.d $sp, $sp, -16
    0x02c009ce, // addi.d $t2, $t2, 2
    0x29c0006e, // st.d $t2, $sp, 0
    0x29c0206f, // st.d $t3, $sp, 8
    0x28c001ae, // 4: ld.d $t2, $t1, 0
    0x0010b5ce, // add.d $t2, $t2, $t1
    0x4c0001c0, // jirl $zero, $t2, 0
    0x03400000, // nop
]);

#[cfg(test)]
mod tests {
    use arch::Host;

    use super::*;

    #[test]
    fn every_host_with_register_has_code() {
        for host in Host::all() {
            let code = code(host.elf());
            assert_eq!(code.is_some(), host.has_register(), "{host}");
            assert!(code.is_none_or(|code| code.len() % 4 == 0 && code.len() < 200), "{host}");
        }
    }
}
