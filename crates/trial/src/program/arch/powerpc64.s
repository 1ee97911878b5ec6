.globl _start, trial_call, trial_clone, trial_add
_start:
    bl 2f
2:
    mflr 12
    addis 2, 12, .TOC.-2b@ha
    addi 2, 2, .TOC.-2b@l
    mr 3, 1
    clrrdi 1, 1, 4
    addi 1, 1, -64
    bl trial_main
    nop
trial_call:
    mr 0, 3
    mr 3, 4
    mr 4, 5
    mr 5, 6
    mr 6, 7
    mr 7, 8
    mr 8, 9
    sc
    bnslr
    neg 3, 3
    blr
trial_clone:
    addi 4, 4, -64
    std 5, 32(4)
    li 5, 0
    mr 7, 6
    li 0, 120
    sc
    bso 3f
    cmpdi 3, 0
    beq 4f
    blr
3:
    neg 3, 3
    blr
4:
    ld 12, 32(1)
    mtctr 12
    bctrl
trial_add:
    sync
5:
    lwarx 5, 0, 3
    add 5, 5, 4
    stwcx. 5, 0, 3
    bne- 5b
    isync
    clrldi 3, 5, 32
    blr
