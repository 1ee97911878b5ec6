//! `register` with Debian's QEMU binaries: every target, proved by running, and Debian's own binfmt.d files.

use std::fs::Permissions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use arch::{Status, Target, program};
use binfmt::{Entry, Flags};

use crate::private;

/// The binaries of Debian's `qemu-user`, unpacked under `QUS_TEST_QEMU_DIR`; without it the test is skipped.
pub(crate) fn binaries(name: &str) -> Option<PathBuf> {
    Some(given(name, "QUS_TEST_QEMU_DIR", "unpacked qemu-user")?.join("usr/bin"))
}

/// The folder that a variable names; without it the test is skipped.
pub(crate) fn given(name: &str, variable: &str, what: &str) -> Option<PathBuf> {
    let dir = std::env::var_os(variable);
    if dir.is_none() {
        private::skip(name, &format!("{variable} names no {what}"));
    }
    dir.map(PathBuf::from)
}

pub(crate) fn register(bin: &Path, arguments: &str) -> (Option<i32>, String, String) {
    run(Path::new(env!("CARGO_BIN_EXE_register")), bin, arguments)
}

/// The exit status, data and messages of a `register`.
pub(crate) fn run(register: &Path, bin: &Path, arguments: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(register);
    command.env("QEMU_BIN_DIR", bin).args(arguments.split_whitespace());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn entries(misc: &Path) -> Vec<(String, String)> {
    let names = std::fs::read_dir(misc).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut entries: Vec<_> = names
        .filter(|name| name != "register" && name != "status")
        .map(|name| (name.clone(), std::fs::read_to_string(misc.join(name)).unwrap()))
        .collect();
    entries.sort();
    entries
}

#[test]
fn every_target_is_registered_listed_proved_and_removed() {
    let name = "qemu::every_target_is_registered_listed_proved_and_removed";
    let Some(bin) = binaries(name) else { return };
    let Some(misc) = private::enter(name) else { return };
    std::fs::write(misc.join("register"), ":python3.11:M::\\xa7\\x0d::/usr/bin/python3.11:").unwrap();
    let before = entries(misc);
    let (code, out, err) = register(&bin, "-- -p");
    assert_eq!(code, Some(0), "{err}");
    // All but this machine's family: 31 of 34 on an x86-64 machine.
    let set = out.lines().filter(|line| line.starts_with("Setting ")).count();
    assert!(out.ends_with(&format!(
        "{set} set, 0 kept as they were; flags: PF; {set} of {set} proved by running\n"
    )));
    assert!(set >= 30, "{out}");

    let (code, out, _) = register(&bin, "-- -p");
    assert!(code == Some(0) && out.contains(&format!("\n0 set, {set} kept as they were")), "{out}");

    let (code, json, _) = register(&bin, "--json");
    assert_eq!((code, json.matches("\"works\": \"yes\"").count()), (Some(0), set));

    let (code, out, err) = register(&bin, "--check");
    assert_eq!((code, out.matches(" runs under QEMU ").count(), err.as_str()), (Some(0), set, ""));
    assert!(out.ends_with("\n34 of 34 targets run\n"), "{out}");

    assert_eq!(register(&bin, "-- -r").0, Some(0));
    assert_eq!(entries(misc), before);
}

/// A program that does not wait may have ended before its parent looks at what runs it.
#[test]
fn every_program_takes_one_byte_of_its_input() {
    let Some(bin) = binaries("qemu::every_program_takes_one_byte_of_its_input") else { return };
    let dir = tempfile::tempdir().unwrap();
    let (mut tried, mut wrong) = (0, Vec::new());
    for target in Target::all() {
        let qemu = bin.join(format!("qemu-{target}"));
        let program = dir.path().join(target.name());
        if !qemu.is_file() {
            continue;
        }
        std::fs::write(&program, program::elf(target).unwrap()).unwrap();
        std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        let (mut left, mut input) = io::pipe().unwrap();
        input.write_all(b"ab").unwrap();
        drop(input);
        let status = Command::new(qemu).arg(&program).stdin(left.try_clone().unwrap()).status().unwrap();
        let mut rest = String::new();
        left.read_to_string(&mut rest).unwrap();
        tried += 1;
        if (status.code(), rest.as_str()) != (Some(program::EXIT_CODE), "b") {
            wrong.push(format!("{target}: {status}, {rest:?} is left"));
        }
    }
    assert!(wrong.is_empty() && tried >= 30, "{tried} tried; {wrong:#?}");
}

/// `P` is an agreement of kernel and QEMU: with it, a program sees the `argv[0]` that it was started with.
#[test]
fn the_flags_that_are_chosen_work_and_so_do_the_others() {
    let name = "qemu::the_flags_that_are_chosen_work_and_so_do_the_others";
    let Some(bin) = binaries(name) else { return };
    let Some(_) = private::enter(name) else { return };
    for arguments in
        ["-- -p -g yes arm", "-- -p -g no arm", "-- -p -c yes arm", "-- -p no --check arm", "-- arm"]
    {
        assert_eq!(register(&bin, arguments).0, Some(0), "{arguments}");
        let (code, out, err) = register(&bin, "--check arm");
        assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments}");
        assert!(out.starts_with("arm runs under QEMU "), "{out}");
    }
}

/// Bytes out of hexadecimal digits.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Undoes the kernel's escapes.
fn unescaped(field: &str) -> Vec<u8> {
    let hex: String = field.split("\\x").collect();
    bytes(&hex)
}

#[test]
fn debians_own_entries_are_ours() {
    let Some(bin) = binaries("debians_own_entries_are_ours") else { return };
    let dir = bin.join("../share/qemu/binfmt.d");
    let mut seen = 0;
    for target in Target::all().filter(|target| target.status() == Status::Current) {
        let file = dir.join(format!("qemu-{target}.conf"));
        let line = std::fs::read_to_string(&file).unwrap();
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        let [_, name, "M", "", value, mask, interpreter, _flags] = fields[..] else { panic!("{line}") };
        let theirs = (unescaped(value), unescaped(mask));
        let interpreter = Path::new(interpreter);
        let theirs = Entry::new(name, (&theirs.0, &theirs.1), interpreter, Flags::NONE).unwrap();
        let magic = target.magic();
        let ours = Entry::new(name, (magic.value(), magic.mask()), interpreter, Flags::NONE).unwrap();
        assert_eq!(ours, theirs);
        seen += 1;
    }
    assert_eq!(seen, 33);
    assert_eq!(std::fs::read_dir(dir).unwrap().count(), 33, "there is none that we do not know");
}
