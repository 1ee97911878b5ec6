// Clocks, intervals, timers that send signals and start threads, descriptors of timers and of events.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static volatile int ticks, value, started;

static void tick(int signal) {
    (void)signal;
    ticks++;
}

static void expire(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    value = info->si_value.sival_int;
    ticks++;
}

static void start(union sigval given) { started = given.sival_int; }

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(void) {
    double before = now();
    int backwards = 0;
    for (int i = 0; i < 20000; i++) {
        double next = now();
        backwards += next < before;
        before = next;
    }
    printf("backwards %d\n", backwards);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 200000000}, NULL);
    printf("slept %d\n", now() - before >= 0.2);

    signal(SIGALRM, tick);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 20000}, {0, 20000}}, NULL);
    while (ticks < 5) pause();
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    printf("interval %d\n", ticks >= 5);

    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = expire;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &action, NULL);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    struct itimerspec every = {{0, 10000000}, {0, 10000000}}, left;
    ticks = 0;
    timer_settime(timer, 0, &every, NULL);
    while (ticks < 5) pause();
    timer_gettime(timer, &left);
    printf("timer %d, in its period %d\n", value, left.it_value.tv_sec == 0 && left.it_value.tv_nsec <= 10000000);
    timer_delete(timer);

    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = start;
    event.sigev_value.sival_int = 5;
    timer_create(CLOCK_REALTIME, &event, &timer);
    timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {0, 1000000}}, NULL);
    for (int i = 0; i < 500 && !started; i++) usleep(10000);
    printf("thread %d\n", started);

    int timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), events = eventfd(0, EFD_SEMAPHORE), epoll = epoll_create1(0);
    timerfd_settime(timerfd, 0, &(struct itimerspec){{0, 0}, {0, 50000000}}, NULL);
    struct epoll_event wanted = {.events = EPOLLIN, .data.u64 = 0x1122334455667788ULL}, found;
    epoll_ctl(epoll, EPOLL_CTL_ADD, timerfd, &wanted);
    uint64_t count = 0;
    ssize_t size = read(timerfd, &count, sizeof count);
    printf("too early %d\n", size < 0 && errno == EAGAIN);
    int ready = epoll_wait(epoll, &found, 1, 5000);
    size = read(timerfd, &count, sizeof count);
    printf("epoll %d %llx %d\n", ready, (unsigned long long)found.data.u64, size == sizeof count && count == 1);
    count = 3;
    size = write(events, &count, sizeof count);
    size = read(events, &count, sizeof count);
    struct pollfd poll_for = {.fd = events, .events = POLLIN};
    printf("event %d, more %d\n", size == sizeof count && count == 1, poll(&poll_for, 1, 0));
    return 0;
}
