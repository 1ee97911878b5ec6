.globl _start, trial_call, trial_clone, trial_add, trial_return
_start:
    mov eax, esp
    and esp, -16
    sub esp, 12
    push eax
    call trial_main
trial_call:
    push ebx
    push esi
    push edi
    push ebp
    mov eax, [esp + 20]
    mov ebx, [esp + 24]
    mov ecx, [esp + 28]
    mov edx, [esp + 32]
    mov esi, [esp + 36]
    mov edi, [esp + 40]
    mov ebp, [esp + 44]
    int 0x80
3:
    pop ebp
    pop edi
    pop esi
    pop ebx
    ret
trial_clone:
    push ebx
    push esi
    push edi
    push ebp
    mov eax, 120
    mov ebx, [esp + 20]
    mov ecx, [esp + 24]
    xor edx, edx
    mov esi, [esp + 32]
    mov edi, esi
    mov ebp, [esp + 28]
    int 0x80
    test eax, eax
    jnz 3b
    call ebp
trial_add:
    mov ecx, [esp + 4]
    mov edx, [esp + 8]
    mov eax, edx
    lock xadd [ecx], eax
    add eax, edx
    ret
trial_return:
    mov eax, 173
    int 0x80
