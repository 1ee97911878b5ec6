.globl _start, trial_call, trial_clone, trial_add, trial_fork, trial_return
_start:
    add %sp, 2047 + 128, %o0
    sub %sp, 176, %sp
    call trial_main
    nop
trial_call:
    save %sp, -176, %sp
    mov %i0, %g1
    mov %i1, %o0
    mov %i2, %o1
    mov %i3, %o2
    mov %i4, %o3
    mov %i5, %o4
    ldx [%fp + 2047 + 176], %o5
    ta 0x6d
    bcc,pt %xcc, 2f
    nop
    neg %o0
2:
    ret
    restore %o0, 0, %o0
trial_fork:
    mov 217, %g1
    mov 0, %o1
    mov 0, %o2
    mov 0, %o3
    mov 0, %o4
    ta 0x6d
    bcs,pn %xcc, 3f
    sub %o1, 1, %o1
    retl
    and %o0, %o1, %o0
3:
    retl
    neg %o0
trial_clone:
    save %sp, -176, %sp
    flushw
    mov 217, %g1
    mov %i0, %o0
    sub %i1, 2047 + 192, %o1
    mov 0, %o2
    mov %i3, %o3
    mov %i3, %o4
    ta 0x6d
    bcs,pn %xcc, 4f
    nop
    brz,pn %o1, 5f
    nop
    call %i2
    mov 0, %fp
4:
    neg %o0
5:
    ret
    restore %o0, 0, %o0
trial_add:
    membar 15
    lduw [%o0], %o2
6:
    add %o2, %o1, %o3
    mov %o3, %o4
    cas [%o0], %o2, %o3
    cmp %o2, %o3
    bne,a,pn %icc, 6b
    mov %o3, %o2
    membar 15
    retl
    srl %o4, 0, %o0
trial_return:
    mov 101, %g1
    ta 0x6d
