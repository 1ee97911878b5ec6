//! Signals, processes left behind, and process 1.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::stand::{SHELL, Stand, UNSHARE};

/// Waits until `check` gives something.
fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(value) = check() {
            return value;
        }
        assert!(Instant::now() < end, "no {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The rest of the output of a child that has said that it is ready.
fn ready(child: &mut Child) -> BufReader<ChildStdout> {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    lines
}

#[test]
fn codes_and_signals_are_the_commands_own() {
    let stand = Stand::new();
    for code in [0, 1, 125, 255] {
        stand.sh(&format!("exit {code}")).check(code, "", "");
    }
    let status = stand.command(SHELL, &["kill -KILL $$"]).status().unwrap();
    assert_eq!(status.signal(), Some(9));
}

#[test]
fn a_signal_reaches_the_command() {
    let stand = Stand::new();
    let script = "trap 'echo got; exit 4' TERM; echo ready; while :; do sleep 0.05; done";
    let mut child = stand.command(SHELL, &[script]).stdout(Stdio::piped()).spawn().unwrap();
    let rest = ready(&mut child);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(std::io::read_to_string(rest).unwrap(), "got\n");
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

#[test]
fn a_stopped_command_goes_on() {
    let stand = Stand::new();
    let mut command = stand.command(SHELL, &["echo ready; sleep 0.2; exit 6"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    ready(&mut child);
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::STOP).unwrap();
    let state = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    };
    // `t` is a stop that a tracer sees.
    wait_for("stop", || matches!(state(), 'T' | 't').then_some(()));
    std::thread::sleep(Duration::from_millis(400));
    assert!(matches!(state(), 'T' | 't'), "it was only stopped");
    kill_process(pid, Signal::CONT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(6));
}

#[test]
fn what_is_left_behind_goes_on_and_the_supervisor_ends_after_it() {
    let stand = Stand::new();
    // It waits until the command has ended.
    let script = "(until test -e go; do sleep 0.05; done; ./busybox-s390x sh -c 'uname -m > done'; sleep 1000) \
                  >&- 2>&- & echo $!; exit 3";
    let ended = stand.sh(script);
    assert_eq!((ended.code, ended.err.as_str()), (Some(3), ""));
    stand.put("go", "");
    let done =
        wait_for("result", || fs::read_to_string(stand.path("done")).ok().filter(|text| !text.is_empty()));
    assert_eq!(done, "s390x\n");
    let left = ended.out.trim().to_owned();
    let status = fs::read_to_string(format!("/proc/{left}/status")).unwrap();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:")).unwrap().trim().to_owned();
    let is_there =
        |pid: &str| fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z"));
    assert!(is_there(&tracer));
    // `sleep` is a child of the shell, which ends with it.
    let children = fs::read_to_string(format!("/proc/{left}/task/{left}/children")).unwrap();
    let pid = |text: &str| Pid::from_raw(text.trim().parse().unwrap()).unwrap();
    for process in children.split_whitespace().chain([left.as_str()]) {
        // One ends with the other, perhaps.
        let _ = kill_process(pid(process), Signal::KILL);
    }
    wait_for("end of the supervisor", || (!is_there(&tracer)).then_some(()));
}

#[test]
fn nobody_waits_for_the_supervisor() {
    let stand = Stand::new();
    // A pipe's reader waits for its last writer; a process waits for all of its children.
    stand.run("sh -c", &["x=$(./busybox-aarch64 uname -m); wait; echo $x"]).check(0, "aarch64\n", "");
    // It is no child of the command's.
    let ended = stand.run("sh -c", &["cat /proc/$$/task/$$/children; grep TracerPid /proc/$$/status"]);
    let (children, tracer) = ended.out.split_once("TracerPid:").unwrap();
    assert!(!children.split_whitespace().any(|child| child == tracer.trim()), "{ended:?}");
}

#[test]
fn the_command_ignores_what_it_would_without() {
    let stand = Stand::new();
    for option in ["--default-signal=PIPE,CHLD", "--ignore-signal=PIPE", "--ignore-signal=CHLD"] {
        let ignored = |program: &str| {
            // Whoever started the tests may ignore others, and QEMU has a handler of its own for some (SIGQUIT).
            let set = format!("env --default-signal {option}");
            stand.end(&format!("{set} {program} grep SigIgn /proc/self/status"), &[])
        };
        let expected = ignored("");
        assert_eq!((expected.code, expected.err.as_str()), (Some(0), ""));
        for mode in ["trace", "notify"] {
            let ended = ignored(&format!("./run --mode {mode} ./busybox-aarch64"));
            assert_eq!(ended, expected, "{option} {mode}");
        }
    }
    // As process 1, which waits for the command itself.
    let line = format!("env --ignore-signal=CHLD {UNSHARE} {SHELL}");
    stand.end(&line, &["./busybox-s390x uname -m; exit 9"]).check(9, "s390x\n", "");
}

#[test]
fn process_1_hands_on_signals_reaps_and_ends_with_the_command() {
    let stand = Stand::new();
    // The shell in the middle ends; its child is process 1's then, and must not stay as a zombie.
    let script = "sh -c 'sleep 0.2 & exit 0'; sleep 0.6; grep -l '^State:.Z' /proc/[0-9]*/status; ./busybox-s390x uname -m; exit 9";
    let first = format!("{UNSHARE} {SHELL}");
    stand.end(&first, &[script]).check(9, "s390x\n", "");
    stand.end(&first, &["kill -KILL $$"]).check(137, "", "");
    let script = "trap 'echo got; exit 4' TERM; echo ready; while :; do sleep 0.05; done";
    let mut child = stand.command(&first, &[script]).stdout(Stdio::piped()).spawn().unwrap();
    let rest = ready(&mut child);
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
    let pid = Pid::from_raw(children.trim().parse().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(std::io::read_to_string(rest).unwrap(), "got\n");
    assert_eq!(child.wait().unwrap().code(), Some(4));
}
