// Mutexes, conditions, barriers, thread-local storage; a mutex that two processes share.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static int counter, turn, serial;
static __thread int own;

static void *count(void *unused) {
    (void)unused;
    for (int i = 0; i < 5000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
        own++;
    }
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) serial++;
    return (void *)(long)own;
}

static void *play(void *side) {
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % 2 != (long)side) pthread_cond_wait(&turned, &mutex);
        turn++;
        pthread_cond_broadcast(&turned);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *nothing(void *unused) { return unused; }

struct shared {
    pthread_mutex_t mutex;
    sem_t ready;
    int value;
};

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    pthread_t threads[16];
    void *result;
    long sum = 0;
    pthread_barrier_init(&barrier, NULL, 16);
    for (int i = 0; i < 16; i++) pthread_create(&threads[i], NULL, count, NULL);
    for (int i = 0; i < 16; i++) pthread_join(threads[i], &result), sum += (long)result;
    printf("counted %d, %ld of their own, %d serial\n", counter, sum, serial);

    for (long i = 0; i < 2; i++) pthread_create(&threads[i], NULL, play, (void *)i);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("turns %d\n", turn);

    pthread_mutex_lock(&mutex);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += 1;
    printf("timed out %d\n", pthread_mutex_timedlock(&mutex, &soon) == ETIMEDOUT);

    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->mutex, &attributes);
    sem_init(&shared->ready, 1, 0);
    for (int child = 0; child < 3; child++) {
        if (fork() == 0) {
            sem_wait(&shared->ready);
            for (int i = 0; i < 2000; i++) {
                pthread_mutex_lock(&shared->mutex);
                shared->value++;
                pthread_mutex_unlock(&shared->mutex);
            }
            _exit(0);
        }
    }
    for (int child = 0; child < 3; child++) sem_post(&shared->ready);
    for (int child = 0; child < 3; child++) wait(NULL);
    printf("between processes %d\n", shared->value);

    int created = 0;
    for (int i = 0; i < 300; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL) == 0) created++;
        pthread_join(thread, NULL);
    }
    printf("created %d\n", created);
    return 0;
}
