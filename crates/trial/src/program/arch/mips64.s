.globl _start, trial_call, trial_clone, trial_add
.set reorder
_start:
    move $4, $sp
    li $8, -16
    and $sp, $sp, $8
    dla $25, trial_main
    jalr $25
trial_call:
    move $2, $4
    move $4, $5
    move $5, $6
    move $6, $7
    move $7, $8
    move $8, $9
    move $9, $10
    syscall
2:
    beqz $7, 3f
    dnegu $2, $2
3:
    jr $31
trial_clone:
    daddiu $5, $5, -16
    sd $6, 0($5)
    move $8, $7
    move $6, $0
    li $2, 5055
    syscall
    bnez $7, 2b
    bnez $2, 2b
    ld $25, 0($sp)
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
