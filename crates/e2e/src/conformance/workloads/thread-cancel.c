// Threads that are cancelled while they wait: their stacks are unwound, and what they have for a key is given back.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int waiting, released, cleaned;

static void release(void *unused) {
    (void)unused;
    __atomic_add_fetch(&released, 1, __ATOMIC_SEQ_CST);
}

static void clean(void *unused) {
    (void)unused;
    __atomic_add_fetch(&cleaned, 1, __ATOMIC_SEQ_CST);
}

static void *wait_for_ever(void *key) {
    pthread_setspecific(*(pthread_key_t *)key, key);
    pthread_cleanup_push(clean, NULL);
    __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    for (;;) pause();
    pthread_cleanup_pop(0);
    return NULL;
}

int main(void) {
    pthread_t threads[4];
    void *result;
    int cancelled = 0;
    pthread_key_t key;
    pthread_key_create(&key, release);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, wait_for_ever, &key);
    while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < 4) usleep(1000);
    for (int i = 0; i < 4; i++) pthread_cancel(threads[i]);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], &result), cancelled += result == PTHREAD_CANCELED;
    printf("cancelled %d, cleaned %d, released %d\n", cancelled, cleaned, released);
    return 0;
}
