.globl _start, trial_call, trial_clone, trial_add
_start:
    move $a0, $sp
    bstrins.d $sp, $zero, 3, 0
    bl trial_main
trial_call:
    move $t0, $a0
    move $a0, $a1
    move $a1, $a2
    move $a2, $a3
    move $a3, $a4
    move $a4, $a5
    move $a5, $a6
    move $a7, $t0
    syscall 0
    ret
trial_clone:
    addi.d $a1, $a1, -16
    st.d $a2, $a1, 0
    move $a2, $zero
    move $a4, $a3
    li.w $a7, 220
    syscall 0
    beqz $a0, 2f
    ret
2:
    ld.d $t0, $sp, 0
    jirl $ra, $t0, 0
trial_add:
    amadd_db.w $a2, $a1, $a0
    add.w $a0, $a2, $a1
    ret
