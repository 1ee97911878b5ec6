// A robust mutex whose owner, a thread or a process, has ended: the next owner is told, and not left waiting.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *own(void *mutex) {
    pthread_mutex_lock(mutex);
    return NULL;
}

static void take(const char *owner, pthread_mutex_t *mutex) {
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += 3;
    int error = pthread_mutex_timedlock(mutex, &soon);
    printf("%s: %s\n", owner, error ? strerror(error) : "no error");
    if (error != EOWNERDEAD) return;
    pthread_mutex_consistent(mutex);
    pthread_mutex_unlock(mutex);
}

int main(void) {
    pthread_mutex_t *mutexes = mmap(NULL, 2 * sizeof *mutexes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    for (int i = 0; i < 2; i++) pthread_mutex_init(&mutexes[i], &attributes);
    pthread_t thread;
    pthread_create(&thread, NULL, own, &mutexes[0]);
    pthread_join(thread, NULL);
    take("a thread", &mutexes[0]);
    if (fork() == 0) own(&mutexes[1]), _exit(0);
    wait(NULL);
    take("a process", &mutexes[1]);
    return 0;
}
