.globl _start, trial_call, trial_clone, trial_add
_start:
    r0 = r29
    r29 = and(r29, #-8)
    call trial_main
trial_call:
    r6 = r0
    r0 = r1
    r1 = r2
    r2 = r3
    r3 = r4
    r4 = r5
    r5 = memw(r29 + #0)
    trap0(#1)
    jumpr r31
trial_clone:
    r1 = add(r1, #-16)
    memw(r1 + #0) = r2
    r2 = #0
    r4 = r3
    r6 = #220
    trap0(#1)
    p0 = cmp.eq(r0, #0)
    if (!p0) jumpr r31
    r2 = memw(r29 + #0)
    callr r2
trial_add:
    r2 = memw_locked(r0)
    r2 = add(r2, r1)
    memw_locked(r0, p0) = r2
    if (!p0) jump trial_add
    r0 = r2
    jumpr r31
