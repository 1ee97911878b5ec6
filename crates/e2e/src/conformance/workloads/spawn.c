// New processes by fork, vfork, clone and posix_spawn, with descriptors, groups, sessions, and by many threads at once.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int end_of(pid_t pid) {
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int cloned(void *code) { return *(int *)code; }

static void *spawn(void *unused) {
    long good = 0;
    char *argv[] = {"sh", "-c", "exit 9", NULL};
    for (int i = 0; i < 10; i++) {
        pid_t pid;
        if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) == 0) good += end_of(pid) == 9;
    }
    (void)unused;
    return (void *)good;
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    volatile int total = 0;
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();
        if (pid == 0) _exit(i);
        total = total + end_of(pid);
    }
    printf("fork %d\n", total);
    total = 0;
    for (int i = 0; i < 20; i++) {
        pid_t pid = vfork();
        if (pid == 0) {
            execl("/bin/sh", "sh", "-c", "exit 3", (char *)NULL);
            _exit(127);
        }
        total = total + end_of(pid);
    }
    printf("vfork %d\n", total);
    char *stack = malloc(256 << 10);
    int code = 11;
    printf("clone %d\n", end_of(clone(cloned, stack + (256 << 10), SIGCHLD, &code)));
    printf("clone as vfork %d\n", end_of(clone(cloned, stack + (256 << 10), CLONE_VM | CLONE_VFORK | SIGCHLD, &code)));

    int ends[2];
    char text[64] = {0};
    if (pipe2(ends, O_CLOEXEC)) return 1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    char *argv[] = {"sh", "-c", "echo spawned $X", NULL}, *environment[] = {"X=here", "PATH=/usr/bin:/bin", NULL};
    pid_t pid;
    int error = posix_spawnp(&pid, "sh", &actions, &attributes, argv, environment);
    close(ends[1]);
    ssize_t size = read(ends[0], text, sizeof text - 1);
    printf("%d %zd %s", error, size, text);
    printf("%d\n", end_of(pid));

    pthread_t threads[6];
    long good = 0;
    for (int i = 0; i < 6; i++) pthread_create(&threads[i], NULL, spawn, NULL);
    for (int i = 0; i < 6; i++) {
        void *result;
        pthread_join(threads[i], &result);
        good += (long)result;
    }
    printf("by threads %ld\n", good);
    FILE *pipe = popen("read line; echo \"got $line\" >&2; exit 4", "w");
    fputs("word\n", pipe);
    printf("popen %d\n", WEXITSTATUS(pclose(pipe)));
    printf("system %d\n", WEXITSTATUS(system("exit 6")));
    return 0;
}
