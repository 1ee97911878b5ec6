//! The choice of a mode.

use crate::stand::Stand;

/// The output of `script` where the kernel has QEMU registered for the first target, in a user namespace.
fn registered(stand: &Stand, script: &str) -> crate::stand::Ended {
    let prepare = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && \
                   printf %s \"$LINE\" > /proc/sys/fs/binfmt_misc/register && eval \"$SCRIPT\"";
    let mut command = stand.command("unshare -U -m -r sh -c", &[prepare]);
    stand.ended(command.env("LINE", stand.registration("aarch64")).env("SCRIPT", script))
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
    let ended = stand.run("sh -c", &["./run -v ./busybox-aarch64 uname -m"]);
    ended.check(0, "aarch64\n", "run: mode kernel\n");
    stand.sh("./run -v ./busybox-s390x uname -m").check(0, "s390x\n", "run: mode kernel\n");
}

#[test]
fn a_mode_that_cannot_be_had_is_an_error() {
    let stand = Stand::new();
    let expected = "error: kernel: nothing runs aarch64 programs here\n";
    stand.end("./run --mode kernel ./busybox-aarch64 true", &[]).check(125, "", expected);
    // One that is traced already can have no second tracer.
    let expected = "error: trace: ptrace: EPERM\n";
    stand.run("./run --mode trace ./busybox-aarch64 true", &[]).check(125, "", expected);
}

#[test]
fn a_listener_in_place_of_a_tracer() {
    let stand = Stand::new();
    let script = "uname -m; ./busybox-s390x uname -m; grep TracerPid /proc/self/status; exit 7";
    let ended = stand.end("./run --mode notify ./busybox-aarch64 sh -c", &[script]);
    ended.check(7, "aarch64\ns390x\nTracerPid:\t0\n", "");
    // There can be one only.
    let expected = "error: cannot watch programs: seccomp listener: EBUSY\n";
    let ended = stand.end("./run --mode notify ./run --mode notify ./busybox-aarch64 true", &[]);
    ended.check(125, "", expected);
}

#[test]
fn a_table_of_ones_own() {
    let stand = Stand::new();
    let script = "uname -m; ./busybox-s390x uname -m; id -u";
    let own = format!("{}\n", rustix::process::geteuid().as_raw());
    let expected = format!("aarch64\ns390x\n{own}");
    let ended = stand.end("./run --mode userns -v ./busybox-aarch64 sh -c", &[script]);
    ended.check(0, &expected, "run: mode userns\n");
    // The machine's own table is as it was.
    let started = stand.command("./busybox-aarch64 uname", &[]).output();
    assert_eq!(started.map_err(|error| error.raw_os_error()).err(), Some(Some(8)));
}

#[test]
fn who_is_not_root_changes_the_root_in_a_namespace() {
    // A namespace with a binfmt_misc and more than one user can be had only as root.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stand = Stand::new();
    for path in ["root/bin/sh", "root/bin/uname", "root/bin/id"] {
        stand.put_busybox(path, "aarch64");
    }
    let as_user = |options: &str| {
        let user = "setpriv --reuid=1000 --regid=1000 --clear-groups --bounding-set=-all";
        let line = format!("{user} ./run -v {options} --root root /bin/sh -c");
        stand.end(&line, &["uname -m; /bin/uname -m; /bin/id -u"])
    };
    as_user("").check(0, "aarch64\naarch64\n1000\n", "run: mode userns\n");
    let ended = as_user("--mode trace");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "aarch64\naarch64\n1000\n"), "{ended:?}");
}

#[test]
fn check_says_what_can_be_done() {
    let stand = Stand::new();
    let json = stand.end("./run --check --json --qemu-dir bin", &[]);
    assert_eq!((json.code, json.err.as_str()), (Some(0), ""), "{json:?}");
    let head = "{\n  \"mode\": \"trace\",\n  \"modes\": {\n    \"kernel\": {\"available\": false, \
                \"reason\": \"nothing runs aarch64 programs here\"},\n    \"userns\": {\"available\": true, \"reason\": null},\n    \
                \"notify\": {\"available\": true, \"reason\": null},\n";
    assert!(json.out.starts_with(head), "{json:?}");
    let tail = "    \"trace\": {\"available\": true, \"reason\": null}\n  },\n  \"targets\": {\n    \
                \"aarch64\": \"DIR/bin/qemu-aarch64-static\",\n    \"s390x\": \"DIR/bin/qemu-s390x-static\"\n  }\n}\n";
    assert!(json.out.ends_with(tail), "{json:?}");
    let text = stand.end("./run --check", &[]);
    let head = "mode     trace\nkernel   no: nothing runs aarch64 programs here\nuserns   yes\n";
    assert!(text.out.starts_with(head), "{text:?}");
    // Traced already, and with nothing to run programs with.
    let ended = stand.run("./run --mode trace --check", &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("trace    no: ptrace: EPERM\n"), "{ended:?}");
    let ended = Stand::bare().end("./run --check", &[]);
    assert_eq!((ended.code, ended.out.lines().last()), (Some(1), Some("no QEMU")), "{ended:?}");
}

#[test]
fn installed_copies_run() {
    let stand = Stand::new();
    let expected = "there/run\nthere/bin/qemu-aarch64-static\nthere/bin/qemu-s390x-static\n";
    for _ in 0..2 {
        // The second time over the first.
        stand.end("./run --install there", &[]).check(0, expected, "");
    }
    std::fs::remove_dir_all(stand.path("bin")).unwrap();
    stand.end("there/run --mode trace ./busybox-aarch64 uname -m", &[]).check(0, "aarch64\n", "");
    let error = "error: cannot write busybox-aarch64/x/run: Not a directory (os error 20)\n";
    stand.end("./run --install busybox-aarch64/x", &[]).check(125, "", error);
}
