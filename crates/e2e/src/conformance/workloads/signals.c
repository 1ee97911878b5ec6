// Handlers with information, faults that are survived, other stacks, queues of real-time signals, and descriptors of signals.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static char *volatile fault;
static volatile int order[8], orders, on_stack, children;
static char *stack;

// The page of a fault: s390x knows no more of its address.
static char *page_of(char *address) { return address - (uintptr_t)address % sysconf(_SC_PAGESIZE); }

static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    char here;
    fault = info->si_addr;
    on_stack = &here >= stack && &here < stack + (64 << 10);
    siglongjmp(back, 1);
}

static void on_queued(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    order[orders++] = info->si_value.sival_int;
}

static void on_child(int signal) {
    (void)signal;
    children++;
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    sigaction(signal, &action, NULL);
}

static void *stay(void *unused) {
    sigset_t set;
    int signal;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigwait(&set, &signal);
    (void)unused;
    return (void *)(long)(signal == SIGUSR2);
}

int main(void) {
    stack = malloc(64 << 10);
    stack_t other = {.ss_sp = stack, .ss_size = 64 << 10};
    sigaltstack(&other, NULL);
    handle(SIGSEGV, on_fault, SA_ONSTACK);
    long page = sysconf(_SC_PAGESIZE);
    char *closed = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int survived = 0;
    for (int i = 0; i < 100; i++) {
        if (sigsetjmp(back, 1) == 0) closed[8] = 1;
        else survived += page_of(fault) == closed && on_stack;
    }
    printf("closed pages %d\n", survived);
    munmap(closed, page);
    if (sigsetjmp(back, 1) == 0) *(volatile char *)closed = 1;
    printf("no page %d\n", page_of(fault) == closed);

    sigset_t set, pending;
    sigemptyset(&set);
    for (int i = 1; i <= 3; i++) sigaddset(&set, SIGRTMIN + i), handle(SIGRTMIN + i, on_queued, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 3; i >= 1; i--)
        for (int n = 0; n < 2; n++) sigqueue(getpid(), SIGRTMIN + i, (union sigval){.sival_int = 10 * i + n});
    sigpending(&pending);
    printf("pending %d, ", sigismember(&pending, SIGRTMIN + 2));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("all of them %d\n", orders);

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int descriptor = signalfd(-1, &set, 0);
    kill(getpid(), SIGUSR1);
    struct signalfd_siginfo info;
    ssize_t size = read(descriptor, &info, sizeof info);
    printf("descriptor %d %d\n", size == sizeof info, info.ssi_signo == SIGUSR1 && info.ssi_pid == (unsigned)getpid());
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, stay, NULL);
    pthread_kill(thread, SIGUSR2);
    pthread_join(thread, &result);
    printf("to a thread %ld\n", (long)result);

    signal(SIGCHLD, on_child);
    pid_t child = fork();
    if (child == 0) {
        for (;;) pause();
    }
    kill(child, SIGTERM);
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    printf("child %d %d\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, children);
    handle(SIGALRM, on_queued, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigemptyset(&set);
    alarm(1);
    errno = 0;
    sigsuspend(&set);
    printf("%s\n", strerror(errno));
    return 0;
}
