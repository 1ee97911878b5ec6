// A QEMU that is good until a program forks, which ends it by SIGSYS: the program at the end of this file, under a filter of
// system calls. Threads share memory (CLONE_VM), what forks does not; QEMU makes a fork of every vfork. With RENAMES, it forks, and
// no file gets another name.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv, char **environment) {
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), program = memfd_create("qemu", MFD_CLOEXEC);
    uint64_t size;
    off_t at = lseek(self, -(off_t)sizeof size, SEEK_END);
    if (self < 0 || program < 0 || at < 0 || read(self, &size, sizeof size) != sizeof size) return 120;
    for (at -= size; size > 0;) {
        ssize_t sent = sendfile(program, self, &at, size);
        if (sent <= 0) return 121;
        size -= sent;
    }
#ifdef RENAMES
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef __NR_rename
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_rename, 3, 0),
#endif
#ifdef __NR_renameat
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_renameat, 2, 0),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_renameat2, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
    };
#else
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_VM, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
#endif
    struct sock_fprog prog = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) return 122;
    // By the auxiliary vector, which is another one after this exec, the kernel says that argv[0] comes after the path (P).
    char *arguments[argc + 2];
    memcpy(arguments, argv, (argc + 1) * sizeof *argv);
    if (getauxval(AT_FLAGS) & 1) {
        arguments[1] = "-0", arguments[2] = argv[2], arguments[3] = argv[1];
        memcpy(arguments + 4, argv + 3, (argc - 2) * sizeof *argv);
    }
    syscall(SYS_execveat, program, "", arguments, environment, AT_EMPTY_PATH);
    return 123;
}
