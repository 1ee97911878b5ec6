// Large maps, maps at fixed places, maps that grow, shrink, are protected and are shared with a file and a process.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const int PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS;

static int has_map(const void *address) {
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    int found = 0;
    while (fgets(line, sizeof line, maps)) {
        unsigned long long from, to;
        if (sscanf(line, "%llx-%llx", &from, &to) == 2) found |= from <= (uintptr_t)address && (uintptr_t)address < to;
    }
    fclose(maps);
    return found;
}

int main(void) {
    size_t page = sysconf(_SC_PAGESIZE), large = 512u << 20;
    char *map = mmap(NULL, large, PROT_READ | PROT_WRITE, PRIVATE | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) return perror("mmap"), 1;
    for (size_t i = 0; i < large; i += 16 << 20) map[i] = (char)(i >> 24);
    int sum = 0;
    for (size_t i = 0; i < large; i += 16 << 20) sum += map[i];
    printf("large %d %d\n", sum, has_map(map + large / 2));

    char *fixed = mmap(map + 64 * page, 4 * page, PROT_READ | PROT_WRITE, PRIVATE | MAP_FIXED, -1, 0);
    printf("fixed %d %d\n", fixed == map + 64 * page, fixed[0]);
    munmap(map + 128 * page, 8 * page);
    char *again = mmap(map + 130 * page, page, PROT_READ | PROT_WRITE, PRIVATE | MAP_FIXED, -1, 0);
    printf("hole %d %d\n", again == map + 130 * page, has_map(map + 135 * page));
    munmap(map, large);
    printf("gone %d\n", has_map(map + large / 2));

    map = mmap(NULL, page, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
    strcpy(map, "kept");
    map = mremap(map, page, 64 * page, MREMAP_MAYMOVE);
    map[64 * page - 1] = 1;
    printf("grown %s\n", map);
    map = mremap(map, 64 * page, page, 0);
    printf("shrunk %s %d\n", map, mprotect(map, page, PROT_READ));
    int pipes[2];
    if (pipe(pipes) || write(pipes[1], "x", 1) != 1) return 1;
    printf("protected %d\n", read(pipes[0], map, 1) == -1 && errno == EFAULT);
    mprotect(map, page, PROT_READ | PROT_WRITE);
    madvise(map, page, MADV_DONTNEED);
    printf("dropped %d\n", map[0]);

    int file = open("/tmp/mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (ftruncate(file, 16 * page)) return 1;
    char *shared = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 8 * page);
    if (fork() == 0) {
        strcpy(shared, "from the child");
        _exit(0);
    }
    wait(NULL);
    char text[32] = {0};
    ssize_t size = pread(file, text, 14, 8 * page);
    printf("shared %zd %s\n", size, text);
    size = pwrite(file, "FROM", 4, 8 * page);
    printf("written %zd %s %d\n", size, shared, msync(shared, page, MS_SYNC));
    return 0;
}
