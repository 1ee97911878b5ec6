.globl _start, trial_call, trial_clone, trial_add
_start:
    mov x0, sp
    bl trial_main
trial_call:
    mov x8, x0
    mov x0, x1
    mov x1, x2
    mov x2, x3
    mov x3, x4
    mov x4, x5
    mov x5, x6
    svc #0
    ret
trial_clone:
    mov x9, x2
    mov x2, #0
    mov x4, x3
    mov x8, #220
    svc #0
    cbz x0, 2f
    ret
2:
    blr x9
trial_add:
    ldaxr w2, [x0]
    add w2, w2, w1
    stlxr w3, w2, [x0]
    cbnz w3, trial_add
    mov w0, w2
    ret
