// A map at a fixed place that is free, and one where there is a map already.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
    size_t page = sysconf(_SC_PAGESIZE);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    char *map = mmap(NULL, 16 * page, PROT_READ | PROT_WRITE, flags, -1, 0);
    map[4 * page] = 7;
    char *again = mmap(map + 4 * page, page, PROT_READ, flags | MAP_FIXED_NOREPLACE, -1, 0);
    printf("taken: %s, %d\n", again == MAP_FAILED ? strerror(errno) : "no error", map[4 * page]);
    munmap(map + 8 * page, 4 * page);
    again = mmap(map + 9 * page, page, PROT_READ, flags | MAP_FIXED_NOREPLACE, -1, 0);
    printf("free: %d\n", again == map + 9 * page);
    return 0;
}
