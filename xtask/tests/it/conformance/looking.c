// A QEMU that runs nothing, and prints what a workload may write: the size of file systems in megabytes, and why it cannot
// change the packages that it gets.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

static unsigned long megabytes(const char *path) {
    struct statvfs found;
    return statvfs(path, &found) ? 0 : found.f_blocks * found.f_frsize >> 20;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) return puts("qemu-aarch64 version 9.9.9"), 0;
    printf("/dev %lu, /dev/shm %lu, /tmp %lu", megabytes("/dev"), megabytes("/dev/shm"), megabytes("/tmp"));
    int found = open("/trial/packages/new", O_CREAT | O_WRONLY, 0600);
    if (found >= 0 || errno != ENOENT) printf(", packages: %s", found >= 0 ? "writable" : strerror(errno));
    return puts(""), 0;
}
