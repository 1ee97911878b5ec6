.globl _start, trial_call, trial_clone, trial_add, trial_return
.type _start, %function
.type trial_call, %function
.type trial_clone, %function
.type trial_add, %function
.type trial_return, %function
.arch armv6
.arm
_start:
    mov r0, sp
    bic sp, sp, #7
    bl trial_main
trial_call:
    push {r4, r5, r7, lr}
    mov r7, r0
    mov r0, r1
    mov r1, r2
    mov r2, r3
    ldr r3, [sp, #16]
    ldr r4, [sp, #20]
    ldr r5, [sp, #24]
    svc #0
    pop {r4, r5, r7, pc}
trial_clone:
    push {r4, r5, r7, lr}
    mov r5, r2
    mov r2, #0
    mov r4, r3
    mov r7, #120
    svc #0
    cmp r0, #0
    popne {r4, r5, r7, pc}
    blx r5
trial_add:
    ldrex r2, [r0]
    add r2, r2, r1
    strex r3, r2, [r0]
    cmp r3, #0
    bne trial_add
    mov r0, r2
    bx lr
trial_return:
    mov r7, #173
    svc #0
