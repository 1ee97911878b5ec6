.globl _start, trial_call, trial_clone, trial_add
.set reorder
_start:
    move $4, $sp
    li $8, -8
    and $sp, $sp, $8
    addiu $sp, $sp, -32
    la $25, trial_main
    jalr $25
trial_call:
    addiu $sp, $sp, -32
    lw $8, 52($sp)
    sw $8, 16($sp)
    lw $8, 56($sp)
    sw $8, 20($sp)
    move $2, $4
    move $4, $5
    move $5, $6
    move $6, $7
    lw $7, 48($sp)
    syscall
2:
    addiu $sp, $sp, 32
    beqz $7, 3f
    negu $2, $2
3:
    jr $31
trial_clone:
    addiu $5, $5, -32
    sw $6, 0($5)
    addiu $sp, $sp, -32
    sw $7, 16($sp)
    move $6, $0
    li $2, 4120
    syscall
    bnez $7, 2b
    bnez $2, 2b
    lw $25, 0($sp)
    jalr $25
trial_add:
    sync
4:
    ll $8, 0($4)
    addu $2, $8, $5
    move $8, $2
    sc $8, 0($4)
    beqz $8, 4b
    sync
    jr $31
