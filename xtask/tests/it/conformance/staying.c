// A QEMU that runs nothing, and does not go: it starts children that do not end, and with HANG does not end itself.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void stay(void) {
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    setsid();
    for (;;) pause();
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) return puts("qemu-aarch64 version 9.9.9"), 0;
    for (int child = 0; child < CHILDREN; child++)
        if (fork() == 0) stay();
    if (HANG) stay();
    return 0;
}
