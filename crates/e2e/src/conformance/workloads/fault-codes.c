// The reason for a fault (si_code): no map, or one that does not allow it.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int code;

static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    code = info->si_code;
    siglongjmp(back, 1);
}

static const char *write_to(volatile char *page) {
    code = 0;
    if (sigsetjmp(back, 1) == 0) *page = 1;
    return code == SEGV_MAPERR ? "no map" : code == SEGV_ACCERR ? "not allowed" : "another";
}

int main(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, NULL);
    long page = sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("closed: %s\n", write_to(map));
    mprotect(map, page, PROT_READ);
    printf("read-only: %s\n", write_to(map));
    munmap(map, page);
    printf("gone: %s\n", write_to(map));
    return 0;
}
