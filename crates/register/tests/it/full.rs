//! `--check=full` of the `register` that ships, with Debian's QEMUs and with some that fail.

// The expected texts name the machine.
#![cfg(target_arch = "x86_64")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::place::Place;
use crate::private;
use crate::qemu::{binaries, given, run};

/// This machine's `register` as images have it.
fn ours(name: &str) -> Option<PathBuf> {
    Some(given(name, "QUS_TEST_REGISTER_DIR", "folder of built ones")?.join("amd64"))
}

#[test]
fn every_program_runs_under_its_qemu() {
    let name = "full::every_program_runs_under_its_qemu";
    let (Some(register), Some(bin)) = (ours(name), binaries(name)) else { return };
    let Some(_) = private::enter(name) else { return };
    let run = |arguments: &str| run(&register, &bin, arguments);
    let (code, out, err) = run("-- -p --check=full");
    // All that have a program but this machine's own two.
    assert!(code == Some(0) && out.ends_with(" proved by running, 17 of them in full\n"), "{out}{err}");

    let (code, out, err) = run("--check=full");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert_eq!(out.matches(" runs under QEMU ").count(), 31, "{out}");
    for (words, count) in [
        (", checked in full\n", 20),
        (", checked by a small program alone: there is no other for it\n", 14),
        (" runs on this machine itself, checked in full\n", 3),
    ] {
        assert_eq!(out.matches(words).count(), count, "{words:?}: {out}");
    }
    assert!(out.ends_with("\n34 of 34 targets run, 20 of them checked in full\n"), "{out}");

    let (code, out, _) = run("-l --check=full");
    assert_eq!(
        (code, out.matches("  yes, in full\n").count(), out.matches("  yes\n").count()),
        (Some(0), 17, 14)
    );
    let summary = "\n34 of 34 targets run, 20 of them checked in full\n";
    assert!(out.ends_with(summary), "it goes on to check: {out}");
    let (code, out, err) = run("--json --check=full");
    assert_eq!((code, out.matches("\"check\": \"full\"").count()), (Some(0), 17), "{out}");
    assert!(out.ends_with("\n}\n") && err.ends_with(summary), "{out}{err}");
    let (_, out, _) = run("--json");
    assert_eq!(out.matches("\"check\": \"small\"").count(), 31, "{out}");
}

/// A QEMU that runs small programs, and does something else with larger ones.
fn put(place: &Place, bin: &Path, something: &str) {
    let real = bin.join("qemu-s390x");
    let script =
        format!("#!/bin/sh\n[ $(wc -c < \"$1\") -gt 1000 ] || exec {} \"$1\"\n{something}\n", real.display());
    place.put_bytes("s390x", script.as_bytes());
}

#[test]
fn a_qemu_that_fails_in_one_part_is_found() {
    let name = "full::a_qemu_that_fails_in_one_part_is_found";
    let (Some(register), Some(bin)) = (ours(name), binaries(name)) else { return };
    let Some((_, place)) = Place::alone(name, &[]) else { return };
    let run = |arguments: &str| run(&register, &place.bin(), arguments);
    let parts = "printf 'part %s\\n' mmap clock signals threads fork >&2; ";
    let crash =
        "echo 'qemu: uncaught target signal 11 (Segmentation fault) - core dumped' >&2; kill -SEGV $$";
    let crashed = "in `fork`, it was killed by signal 11: \
                   qemu: uncaught target signal 11 (Segmentation fault) - core dumped";
    put(&place, &bin, &format!("{parts}{crash}"));
    assert_eq!(run("-s -- s390x").0, Some(0));
    assert_eq!(run("--check s390x").0, Some(0));
    let (code, out, err) = run("--check=full s390x");
    assert_eq!((code, out.as_str()), (Some(1), "0 of 1 targets run, 0 of them checked in full\n"));
    assert_eq!(err, format!("error: a program of s390x does not run: {crashed}\n"));
    let failed = format!("error: a program of s390x does not run: {crashed}\n");
    let (code, out, err) = run("-l --check=full s390x");
    assert_eq!((code, err.as_str()), (Some(1), failed.as_str()));
    assert!(out.contains(&format!("  no: {crashed}\n")), "{out}");
    let (code, json, err) = run("--json --check=full s390x");
    assert_eq!((code, err), (Some(1), format!("{failed}0 of 1 targets run, 0 of them checked in full\n")));
    let expected =
        format!("\"works\": \"no\",\n      \"reason\": \"{crashed}\",\n      \"check\": \"full\"\n");
    assert!(json.contains(&expected), "{json}");

    // The entry stays: it does for some programs.
    let (code, out, err) = run("-s -- -p no --check=full s390x");
    assert_eq!(code, Some(1));
    assert!(out.ends_with("; 0 of 1 proved by running, 0 of them in full\n"), "{out}");
    let expected =
        format!("error: qemu-s390x is registered, but a program of s390x does not run: {crashed}\n");
    assert!(err.contains(&expected), "{err}");

    for (something, reason) in [
        ("echo part mmap >&2; echo fails 0 -12 >&2; exit 1", "in `mmap`, memory cannot be mapped (-12)"),
        ("exit 1", "it exited with 1 instead of 42"),
    ] {
        put(&place, &bin, something);
        let (code, _, err) = run("--check=full s390x");
        assert_eq!((code, err), (Some(1), format!("error: a program of s390x does not run: {reason}\n")));
    }
}

#[test]
fn nothing_is_left_behind() {
    let name = "full::nothing_is_left_behind";
    let (Some(register), Some(bin)) = (ours(name), binaries(name)) else { return };
    let Some((_, place)) = Place::alone(name, &[]) else { return };
    let seconds = std::process::id() + 100_000;
    put(&place, &bin, &format!("sleep {seconds} & echo part exec >&2; exit 42"));
    assert_eq!(run(&register, &place.bin(), "-s -- s390x").0, Some(0));
    let (code, out, err) = run(&register, &place.bin(), "--check=full s390x");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let left = || {
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let words = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
            String::from_utf8(words).ok()
        });
        processes.filter(|words| words.contains(&format!("sleep\0{seconds}\0"))).count()
    };
    // A process that was killed ends a moment later.
    let gone = (0..1000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        left() == 0
    });
    assert!(gone, "{} left", left());
}

#[test]
fn a_register_without_the_programs_says_so() {
    let register = Path::new(env!("CARGO_BIN_EXE_register"));
    for arguments in ["--check=full", "-l --check=full", "-s -- -p --check=full arm"] {
        let (code, out, err) = run(register, Path::new("/nowhere"), arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{arguments}");
        assert_eq!(
            err,
            "error: cannot check in full: this `register` was built without the programs for that\n\
             hint: take the `register` of an image, or --check without `=full`\n"
        );
    }
}

#[test]
fn another_extent_is_refused() {
    let register = Path::new(env!("CARGO_BIN_EXE_register"));
    for (argument, suggestion) in
        [("--check=ful", " (did you mean `full`?)"), ("--check=arm", ""), ("--check=", "")]
    {
        let (code, out, err) = run(register, Path::new("/nowhere"), argument);
        let value = argument.split_once('=').unwrap().1;
        let expected = format!("Option --check does not take the argument `{value}`{suggestion}.\n");
        assert_eq!((code, out.as_str()), (Some(1), ""), "{argument}");
        assert_eq!(err, format!("{expected}hint: --help lists the options\n"));
    }
}
