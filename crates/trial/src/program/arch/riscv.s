.globl _start, trial_call, trial_clone, trial_add
.option arch, +a
_start:
    mv a0, sp
    andi sp, sp, -16
    call trial_main
trial_call:
    mv t0, a0
    mv a0, a1
    mv a1, a2
    mv a2, a3
    mv a3, a4
    mv a4, a5
    mv a5, a6
    mv a7, t0
    ecall
    ret
trial_clone:
    mv t0, a2
    li a2, 0
    mv a4, a3
    li a7, 220
    ecall
    beqz a0, 2f
    ret
2:
    jalr t0
trial_add:
    amoadd.w.aqrl a2, a1, (a0)
    add a0, a2, a1
    ret
