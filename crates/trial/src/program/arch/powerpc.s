.globl _start, trial_call, trial_clone, trial_add
_start:
    mr 3, 1
    clrrwi 1, 1, 4
    addi 1, 1, -32
    bl trial_main
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
    addi 4, 4, -32
    stw 5, 16(4)
    li 5, 0
    mr 7, 6
    li 0, 120
    sc
    bso 3f
    cmpwi 3, 0
    beq 4f
    blr
3:
    neg 3, 3
    blr
4:
    lwz 12, 16(1)
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
    mr 3, 5
    blr
