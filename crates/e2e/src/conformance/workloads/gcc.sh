#!/bin/bash
# The compiler with optimization, a static library, threads and the mathematical library, and what it has compiled.
set -euo pipefail
cd /tmp
cat > sum.c <<'C'
double sum(const double *numbers, int count) {
    double total = 0;
    for (int i = 0; i < count; i++) total += numbers[i];
    return total;
}
C
cat > main.c <<'C'
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

double sum(const double *numbers, int count);

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void *part(void *from) {
    double *roots = malloc(1000 * sizeof *roots), *total = malloc(sizeof *total);
    for (int i = 0; i < 1000; i++) roots[i] = sqrt(1000.0 * (intptr_t)from + i);
    *total = sum(roots, 1000);
    free(roots);
    return total;
}

int main(void) {
    pthread_t threads[8];
    double total = 0;
    for (intptr_t i = 0; i < 8; i++)
        if (pthread_create(&threads[i], NULL, part, (void *)i)) return 1;
    for (int i = 0; i < 8; i++) {
        void *result;
        pthread_join(threads[i], &result);
        total += *(double *)result;
        free(result);
    }
    printf("roots %.6f\n", total);
    static uint32_t numbers[100000];
    uint32_t state = 1;
    for (int i = 0; i < 100000; i++) numbers[i] = state = state * 1664525u + 1013904223u;
    qsort(numbers, 100000, sizeof *numbers, compare);
    printf("median %lu\n", (unsigned long)numbers[50000]);
    uint64_t a = 0x123456789abcdefULL;
    printf("%016llx %d %d\n", (unsigned long long)(a * a / 7), __builtin_popcountll(a), __builtin_clzll(a));
    return 0;
}
C
gcc -O2 -Wall -Werror -c sum.c
ar rcs libsum.a sum.o
for level in 0 2; do
    gcc -O$level -Wall -Werror -pthread -o program main.c libsum.a -lm
    ./program
done
gcc -O2 -static -pthread -o program main.c libsum.a -lm
./program | tail -1
