//! Which mode is taken.

use crate::stand::Stand;

/// What `script` prints where the kernel has QEMU registered for the first target, in a user namespace.
fn registered(stand: &Stand, script: &str) -> crate::stand::Ended {
    let prepare = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && \
                   printf %s \"$LINE\" > /proc/sys/fs/binfmt_misc/register && eval \"$SCRIPT\"";
    let mut command = stand.command(&["unshare", "-U", "-m", "-r", "sh", "-c", prepare]);
    stand.ended(command.env("LINE", stand.registration("aarch64")).env("SCRIPT", script).output())
}

#[test]
fn what_runs_already_is_left_to_whom_it_is_left() {
    let stand = Stand::new();
    let ended = registered(&stand, "./run -v ./busybox-aarch64 uname -m");
    ended.check(0, "aarch64\n", "run: mode kernel\n");
    // Another target does not.
    let ended = registered(&stand, "./run -v ./busybox-s390x uname -m 2>&1 | head -n 1");
    ended.check(0, "run: mode trace\n", "");
    // A native program may start any: all would have to run.
    let ended = registered(&stand, "./run -v sh -c './busybox-aarch64 uname -m' 2>&1 | head -n 1");
    ended.check(0, "run: mode trace\n", "");
}

#[test]
fn one_inside_the_other_leaves_it_to_that() {
    let stand = Stand::new();
    stand.run(&["sh", "-c", "./run -v ./busybox-aarch64 uname -m"]).check(
        0,
        "aarch64\n",
        "run: mode kernel\n",
    );
    stand.sh("./run -v ./busybox-s390x uname -m").check(0, "s390x\n", "run: mode kernel\n");
}

#[test]
fn a_mode_that_cannot_be_had_is_an_error() {
    let stand = Stand::new();
    let expected = "error: kernel: nothing runs aarch64 programs here\n";
    let words = ["./run", "--mode", "kernel", "./busybox-aarch64", "true"];
    stand.ended(stand.command(&words).output()).check(125, "", expected);
    // One that is traced already can have no second tracer.
    stand.run(&["./run", "--mode", "trace", "./busybox-aarch64", "true"]).check(
        125,
        "",
        "error: trace: ptrace: EPERM\n",
    );
}
