// Variables of each thread, while other threads start and signals come: after a handler, a thread has its own again.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

static __thread int mine;
static int handled, lost;

static void handle(int signal) {
    (void)signal;
    __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static void *use(void *number) {
    mine = *(int *)number;
    for (int i = 0; i < 20; i++) {
        pthread_kill(pthread_self(), SIGUSR1);
        if (mine != *(int *)number) __atomic_add_fetch(&lost, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[4];
    int numbers[5] = {1, 2, 3, 4, 5};
    signal(SIGUSR1, handle);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, use, &numbers[i]);
    use(&numbers[4]);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    printf("handled %d, lost %d\n", handled, lost);
    return 0;
}
