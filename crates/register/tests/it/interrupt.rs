//! `register` is interrupted while it waits for a program that does not end.

// The expected texts name the machine.
#![cfg(target_arch = "x86_64")]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use binfmt::mount::mounts;

use crate::place::{Place, entries};
use crate::private;

/// A shell that runs the tests in its background has them ignore SIGINT.
const WITH_SIGNALS: &[&str] = &["env", "--default-signal"];

/// A place where QEMU for s390x starts a process and waits for another; nobody else has processes with their argument.
struct Hanging {
    place: Place,
    seconds: u32,
}

impl Hanging {
    fn new(number: u32) -> Hanging {
        let hanging =
            Hanging { place: Place::with(&[]), seconds: std::process::id() * 10 + number + 1_000_000 };
        hanging.place.folder("tmp");
        hanging
    }

    /// `unless` is a shell's command: if it succeeds, the program ends as it should.
    fn put(&self, unless: &str) {
        let seconds = self.seconds;
        let script = format!("#!/bin/sh\n{unless} && exit 42\nsleep {seconds} &\nsleep {seconds}\nexit\n");
        let version = "\0qemu-s390x version 11.1.3\0";
        self.place.put_bytes("s390x", format!("{script}{version}").as_bytes());
    }

    /// The processes that hang.
    fn processes(&self) -> Vec<String> {
        let argument = format!("sleep\0{}\0", self.seconds);
        let numbers =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let hangs = |number: &String| {
            fs::read(format!("/proc/{number}/cmdline")).is_ok_and(|words| words == argument.as_bytes())
        };
        numbers.filter(hangs).collect()
    }

    /// Starts a command, sends it (or its child) a signal as soon as both processes hang, and returns the output.
    fn interrupt(&self, mut command: Command, signal: &str, number: impl FnOnce(&Child) -> String) -> Output {
        command.env("TMPDIR", self.place.path("tmp"));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        until("it hangs", || self.processes().len() == 2);
        let sent = Command::new("kill").args(["-s", signal, &number(&child)]).status().unwrap();
        assert!(sent.success());
        child.wait_with_output().unwrap()
    }

    fn register(&self, arguments: &str) -> Command {
        let mut command = self.place.command(&[WITH_SIGNALS, &[env!("CARGO_BIN_EXE_register")]].concat());
        command.args(arguments.split_whitespace());
        command
    }

    /// Fails if there is a process or a file left.
    #[track_caller]
    fn assert_nothing_is_left(&self) {
        // A process that was killed ends a moment later.
        until("nothing hangs", || self.processes().is_empty());
        assert_eq!(fs::read_dir(self.place.path("tmp")).unwrap().count(), 0);
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        let processes = self.processes();
        if !processes.is_empty() {
            let _ = Command::new("kill").arg("-9").args(processes).status();
        }
    }
}

#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let held = (0..2000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        holds()
    });
    assert!(held, "{what}");
}

#[test]
fn an_interrupt_ends_the_program_and_leaves_nothing() {
    let Some(_) = private::enter(private::test_name!()) else { return };
    let hanging = Hanging::new(1);
    let place = &hanging.place;
    hanging.put("false");
    assert_eq!(place.register("-s -- s390x").code, Some(0));
    let elsewhere = place.folder("elsewhere");
    let before = mounts();
    for arguments in ["--check s390x", "-l --check", "--json", "-s -- s390x --check", "--install s390x"] {
        for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
            // A mount of its own, which is to go, too, but stays where something was registered.
            let mut command = hanging.register(arguments);
            if !arguments.contains("s390x --check") && !arguments.contains("install") {
                command.arg("--mount").arg(&elsewhere);
            }
            let output = hanging.interrupt(command, signal, |child| child.id().to_string());
            assert_eq!(output.status.signal(), Some(number), "{arguments}: {output:?}");
            let messages = String::from_utf8_lossy(&output.stderr);
            assert!(!messages.contains("error") && !messages.contains("interrupted"), "{messages}");
            hanging.assert_nothing_is_left();
            assert_eq!(mounts(), before, "{arguments}");
        }
    }
}

#[test]
fn an_interrupt_changes_no_entry() {
    let Some(misc) = private::enter(private::test_name!()) else { return };
    let hanging = Hanging::new(2);
    let place = &hanging.place;
    hanging.put("true");
    assert_eq!(place.register("-s -- s390x").code, Some(0));
    let before = entries(misc);
    hanging.put("false");
    let register = || {
        // The entry is in effect while its program is waited for: under a temporary name, as long as there is another.
        let command = hanging.register("-s -- -g yes --check s390x");
        let output = hanging.interrupt(command, "INT", |child| {
            assert_ne!(entries(misc), before);
            child.id().to_string()
        });
        assert_eq!(output.status.signal(), Some(2), "{output:?}");
        hanging.assert_nothing_is_left();
    };
    register();
    assert_eq!(entries(misc), before);
    assert_eq!(place.register("-- -r").code, Some(0));
    register();
    assert_eq!(entries(misc), []);
}

/// `docker run` starts it so: the kernel lets no signal through that such a process does not ask for. Without /proc, the program is
/// in a file.
#[test]
fn the_first_process_of_a_container_is_interrupted_too() {
    let Some(_) = private::enter(private::test_name!()) else { return };
    let hanging = Hanging::new(3);
    let place = &hanging.place;
    hanging.put("false");
    assert_eq!(place.register("-s -- s390x").code, Some(0));
    let elsewhere = place.folder("elsewhere");
    let script = format!(
        "mount -t binfmt_misc none {0} && mount -t tmpfs none /proc && exec {1} --mount {0} --check s390x",
        elsewhere.display(),
        env!("CARGO_BIN_EXE_register")
    );
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let unshare = ["unshare", "-m", "-p", "-f", "sh", "-c", &script];
        let mut command = place.command(&[WITH_SIGNALS, &unshare].concat());
        command.env_remove("QEMU_BIN_DIR");
        let output = hanging.interrupt(command, signal, |child| {
            assert_eq!(fs::read_dir(place.path("tmp")).unwrap().count(), 1, "the program is in a file");
            let children = format!("/proc/{0}/task/{0}/children", child.id());
            fs::read_to_string(children).unwrap().trim().to_owned()
        });
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(code), &b""[..]), "{output:?}");
        hanging.assert_nothing_is_left();
    }
}
