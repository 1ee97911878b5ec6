//! The messages where nothing can be run, and the exit codes.

use crate::stand::Stand;

/// An ELF header for a machine.
fn elf(machine: u16) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
    bytes.extend(machine.to_le_bytes());
    bytes.resize(64, 0);
    bytes
}

#[test]
fn commands_that_are_not_there_or_no_programs() {
    let stand = Stand::bare();
    stand.put("text", "text\n");
    std::fs::write(stand.path("plain"), "text\n").unwrap();
    for (command, code, message) in [
        ("/nonexistent", 127, "cannot execute /nonexistent: No such file or directory (os error 2)"),
        ("nonexistent-command", 127, "cannot find nonexistent-command in PATH"),
        ("./plain", 126, "cannot execute ./plain: Permission denied (os error 13)"),
        ("/", 126, "cannot execute /: Permission denied (os error 13)"),
        // No shell takes it.
        ("./text", 126, "cannot execute ./text: Exec format error (os error 8)"),
        ("./plain/x", 126, "cannot execute ./plain/x: Not a directory (os error 20)"),
        ("", 127, "cannot execute : No such file or directory (os error 2)"),
    ] {
        stand.run("", &[command]).check(code, "", &format!("error: {message}\n"));
    }
}

#[test]
fn foreign_programs_that_nothing_runs() {
    let stand = Stand::bare();
    stand.put("foreign", elf(183));
    stand.put("unknown", elf(0x1234));
    let places = "DIR, DIR/bin, /qus/bin, /usr/bin";
    stand.run("./foreign", &[]).check(
        126,
        "",
        &format!(
            "error: no QEMU for aarch64 (./foreign is an aarch64 program)\n\
             hint: use aptman/qus:run-aarch64, or --qemu-dir DIR; looked in {places}\n"
        ),
    );
    stand.put("script", "#!./foreign\n");
    let ended = stand.run("./script", &[]);
    assert!(
        ended.err.starts_with("error: no QEMU for aarch64 (./script is an aarch64 program)\n"),
        "{ended:?}"
    );
    let message = "error: ./unknown is for machine 0x1234, which QEMU does not emulate\n";
    stand.run("./unknown", &[]).check(126, "", message);
}

#[test]
fn a_qemu_with_a_loader_is_none() {
    let stand = Stand::bare();
    stand.put("foreign", elf(183));
    stand.put("bin/qemu-aarch64", std::fs::read(std::env::current_exe().unwrap()).unwrap());
    let ended = stand.run("./foreign", &[]);
    let message = "error: DIR/bin/qemu-aarch64 is not static (./foreign is an aarch64 program)\n";
    assert!(ended.err.starts_with(message), "{ended:?}");
    assert_eq!(ended.code, Some(126));
}

#[test]
fn command_lines_that_mean_nothing() {
    let stand = Stand::bare();
    for (line, message) in [
        ("./run", "no command is given"),
        ("./run --nonsense x", "unknown option `--nonsense`"),
        ("./run --mode fast x", "unknown mode `fast`: there are auto, kernel, userns, notify and trace"),
    ] {
        let expected = format!("error: {message}\nhint: --help lists the options\n");
        stand.end(line, &[]).check(125, "", &expected);
    }
    let help = stand.end("./run --help", &[]);
    assert!(help.out.starts_with("Usage: run [OPTIONS] [--] COMMAND"), "{help:?}");
    let version = format!("run {}\n", env!("CARGO_PKG_VERSION"));
    stand.end("./run --version", &[]).check(0, &version, "");
}

#[test]
fn a_root_that_is_not_there() {
    let stand = Stand::bare();
    let expected = "error: cannot open none: No such file or directory (os error 2)\n";
    stand.run("--root none true", &[]).check(125, "", expected);
}

#[test]
fn without_proc() {
    let stand = Stand::bare();
    // A folder of its own over /proc.
    let expected = "error: /proc is not mounted\nhint: mount -t proc proc /proc\n";
    let script = "mount -t tmpfs none /proc && exec ./run true";
    stand.end("unshare -r -m sh -c", &[script]).check(125, "", expected);
}
