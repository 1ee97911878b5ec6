.globl _start, trial_call, trial_clone, trial_add, trial_return
_start:
    mov rdi, rsp
    and rsp, -16
    call trial_main
trial_call:
    mov rax, rdi
    mov rdi, rsi
    mov rsi, rdx
    mov rdx, rcx
    mov r10, r8
    mov r8, r9
    mov r9, [rsp + 8]
    syscall
    ret
trial_clone:
    mov eax, 56
    mov r9, rdx
    xor edx, edx
    mov r10, rcx
    mov r8, rcx
    syscall
    test rax, rax
    jz 2f
    ret
2:
    call r9
trial_add:
    mov eax, esi
    lock xadd [rdi], eax
    add eax, esi
    ret
trial_return:
    mov eax, 15
    syscall
