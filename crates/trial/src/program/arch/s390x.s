.globl _start, trial_call, trial_clone, trial_add
_start:
    lgr %r2, %r15
    aghi %r15, -160
    brasl %r14, trial_main
trial_call:
    stmg %r6, %r7, 48(%r15)
    lgr %r1, %r2
    lgr %r2, %r3
    lgr %r3, %r4
    lgr %r4, %r5
    lgr %r5, %r6
    lg %r6, 160(%r15)
    lg %r7, 168(%r15)
    svc 0
    lmg %r6, %r7, 48(%r15)
    br %r14
trial_clone:
    stmg %r6, %r7, 48(%r15)
    lgr %r7, %r4
    lgr %r1, %r2
    lgr %r2, %r3
    lgr %r3, %r1
    lghi %r4, 0
    lgr %r6, %r5
    svc 120
    ltgr %r2, %r2
    je 2f
    lmg %r6, %r7, 48(%r15)
    br %r14
2:
    aghi %r15, -160
    basr %r14, %r7
trial_add:
    l %r4, 0(%r2)
3:
    lr %r5, %r4
    ar %r5, %r3
    cs %r4, %r5, 0(%r2)
    jne 3b
    llgfr %r2, %r5
    br %r14
