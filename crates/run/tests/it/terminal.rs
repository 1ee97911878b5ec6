//! A pseudo terminal: its keys, its size, and a shell's job control, with `run` in front of a job and of the shell itself.
//!
//! # Safety
//! Each call gets local values, or numbers of open descriptors.

#![allow(unsafe_code)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::stand::{SHELL, Stand, UNSHARE};

/// A command on a terminal of its own, which is its controlling one.
struct Terminal {
    master: File,
    child: Child,
    printed: String,
}

fn window(rows: u16, columns: u16) -> libc::winsize {
    libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Terminal {
    /// Starts it, with nothing echoed.
    fn start(stand: &Stand, line: &str, script: &str) -> Terminal {
        let (mut master, mut slave) = (0, 0);
        let size = window(24, 80);
        // SAFETY: see the module. The new descriptors are nobody else's.
        let (master, slave) = unsafe {
            let mut modes: libc::termios = std::mem::zeroed();
            libc::cfmakeraw(&raw mut modes);
            modes.c_iflag = libc::ICRNL;
            modes.c_lflag = libc::ISIG | libc::ICANON;
            modes.c_cc[libc::VINTR] = 3;
            modes.c_cc[libc::VQUIT] = 28;
            modes.c_cc[libc::VSUSP] = 26;
            let made = libc::openpty(&raw mut master, &raw mut slave, std::ptr::null_mut(), &modes, &size);
            assert_eq!(made, 0);
            // No other test's child is to hold it.
            for descriptor in [master, slave] {
                libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
            }
            (File::from_raw_fd(master), File::from_raw_fd(slave))
        };
        // Whoever started the tests may ignore signals (a shell does so for what runs in its background), and a shell traps no
        // signal that was ignored when it began.
        let line = format!("setsid --ctty --wait env --default-signal {line}");
        let mut command = stand.command(&line, &[script]);
        let clone = || slave.try_clone().unwrap();
        let child = command.stdin(clone()).stdout(clone()).stderr(clone()).spawn().unwrap();
        Terminal { master, child, printed: String::new() }
    }

    /// Reads until this line is there.
    fn wait_for(&mut self, line: &str) {
        let end = Instant::now() + Duration::from_secs(120);
        while !self.printed.lines().any(|printed| printed == line) {
            assert!(Instant::now() < end, "no `{line}`: {}", self.printed);
            self.read();
        }
    }

    /// Reads what there is within a second; false at the end.
    fn read(&mut self) -> bool {
        let mut poll = libc::pollfd { fd: self.master.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: see the module.
        if unsafe { libc::poll(&raw mut poll, 1, 1000) } == 0 {
            return true;
        }
        let mut buffer = [0; 4096];
        // When the last process has closed the other end: EIO.
        let read = self.master.read(&mut buffer).unwrap_or(0);
        self.printed.push_str(&String::from_utf8_lossy(&buffer[..read]));
        read > 0
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    fn resize(&self, rows: u16, columns: u16) {
        // SAFETY: see the module.
        assert_eq!(
            unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCSWINSZ, &window(rows, columns)) },
            0
        );
    }

    /// Reads to the end, and gives everything that was printed and the exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let end = Instant::now() + Duration::from_secs(120);
        while self.read() {
            assert!(Instant::now() < end, "it goes on: {}", self.printed);
        }
        let code = self.child.wait().unwrap().code();
        (self.printed, code)
    }
}

/// A foreign shell under `run` that waits for signals after it has printed `ready`.
fn waiting(traps: &str) -> String {
    format!("{traps}; echo ready; while :; do sleep 0.05; done")
}

#[test]
fn ctrl_c_reaches_the_program_and_what_it_has_started() {
    let stand = Stand::new();
    let script = waiting("trap 'echo got; exit 3' INT");
    let mut terminal = Terminal::start(&stand, SHELL, &script);
    terminal.wait_for("ready");
    terminal.press("\x03");
    assert_eq!(terminal.end(), ("ready\ngot\n".to_owned(), Some(3)));
    // One that does nothing about it ends.
    let script = format!("{SHELL} 'echo ready; exec sleep 1000'");
    let mut terminal = Terminal::start(&stand, "sh -c", &script);
    terminal.wait_for("ready");
    terminal.press("\x03");
    assert_eq!(terminal.end().0, "ready\n");
}

#[test]
fn ctrl_c_reaches_the_command_of_process_1_once() {
    let stand = Stand::new();
    let script = waiting("n=0; trap 'n=$((n+1)); echo got $n' INT; trap 'exit 4' QUIT");
    let line = format!("{UNSHARE} {SHELL}");
    let mut terminal = Terminal::start(&stand, &line, &script);
    terminal.wait_for("ready");
    terminal.press("\x03");
    terminal.wait_for("got 1");
    terminal.press("\x1c");
    assert_eq!(terminal.end().0, "ready\ngot 1\n");
}

#[test]
fn the_program_sees_the_size_of_the_window_and_its_changes() {
    let stand = Stand::new();
    let script = waiting("trap 'stty size; exit 7' WINCH; stty size");
    let mut terminal = Terminal::start(&stand, SHELL, &script);
    terminal.wait_for("ready");
    terminal.resize(50, 132);
    assert_eq!(terminal.end(), ("24 80\nready\n50 132\n".to_owned(), Some(7)));
}

/// The shells that control jobs: the machine's, with a job under `run`; and a foreign one under `run`, with another's job.
const SHELLS: [(&str, &str); 2] = [
    ("sh -c", "./run --mode trace ./busybox-aarch64"),
    ("./run --mode trace ./busybox-s390x sh -c", "./busybox-aarch64"),
];

/// The lines that are a script's own, and not its shell's words about jobs.
fn own(printed: &str) -> Vec<&str> {
    printed.lines().filter_map(|line| line.strip_prefix("= ")).collect()
}

#[test]
fn ctrl_z_stops_a_job_and_fg_continues_it() {
    let stand = Stand::new();
    for (shell, job) in SHELLS {
        let waiting = "trap \"echo = continued; exit 5\" CONT; echo ready; while :; do sleep 0.05; done";
        let script = format!("set -m; {job} sh -c '{waiting}'; echo = stopped $?; fg; echo = ended $?");
        let mut terminal = Terminal::start(&stand, shell, &script);
        terminal.wait_for("ready");
        terminal.press("\x1a");
        let (printed, code) = terminal.end();
        assert_eq!(own(&printed), ["stopped 148", "continued", "ended 5"], "{shell:?}: {printed}");
        assert_eq!(code, Some(0), "{shell:?}");
    }
}

#[test]
fn a_job_in_the_background_stops_before_it_reads() {
    let stand = Stand::new();
    for (shell, job) in SHELLS {
        // A stop that a tracer sees is `t`.
        let script = format!(
            "set -m; {job} sh -c 'head -n 1; exit 6' & \
             until grep -q '^State:.[Tt]' /proc/$!/status; do sleep 0.05; done; \
             echo stopped; fg; echo = ended $?"
        );
        let mut terminal = Terminal::start(&stand, shell, &script);
        terminal.wait_for("stopped");
        terminal.press("= text\n");
        let (printed, code) = terminal.end();
        assert_eq!(own(&printed), ["text", "ended 6"], "{shell:?}: {printed}");
        assert_eq!(code, Some(0), "{shell:?}");
    }
}
