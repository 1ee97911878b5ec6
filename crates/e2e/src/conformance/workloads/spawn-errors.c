// posix_spawn of what is not there, and memory that vfork shares: both rest on a child in the memory of its parent.
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    char *argv[] = {"nothing", NULL};
    pid_t pid;
    int error = posix_spawn(&pid, "/nowhere/nothing", NULL, NULL, argv, argv + 1);
    printf("posix_spawn: %s\n", error ? strerror(error) : "no error");
    if (!error) wait(NULL);
    volatile int written = 0;
    pid = vfork();
    if (pid == 0) {
        written = 1;
        _exit(0);
    }
    wait(NULL);
    printf("written by the child: %d\n", written);
    return 0;
}
