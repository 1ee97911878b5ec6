//! The view of `register` on what is there: entries that win and lose, other tools' entries, names of any bytes, and
//! binfmt_misc that nobody has mounted.

// The expected texts name the machine.
#![cfg(target_arch = "x86_64")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use binfmt::mount::mounts;

use crate::place::{self, LIFETIME, Place, enter, names, system};
use crate::private;

/// The table that `-l` prints, in words.
fn table(place: &Place, arguments: &str) -> Vec<Vec<String>> {
    let printed = place.register(arguments);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let fields = |line: &str| {
        line.split("  ").map(|field| field.trim().to_owned()).filter(|field| !field.is_empty()).collect()
    };
    printed.out.lines().skip(1).map(fields).collect()
}

#[test]
fn the_newest_entry_wins_and_the_others_are_shadowed() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    place.register("-s -- -p arm");
    enter(misc, "box", &place.put_as("box", "none", "1"), "");
    let list = table(&place, "-l");
    assert_eq!(list[0], ["box", "BIN/box", "-", "-", "enabled", "other", "yes"]);
    assert_eq!(
        list[1],
        ["qemu-arm", "BIN/qemu-arm-static", "11.1.3", "PF", "enabled", "qemu", "shadowed by box"]
    );
    let json = place.register("--json").out;
    let entry = json.split("\"name\": \"qemu-arm\"").nth(1).unwrap();
    assert!(entry.contains("\"shadowed_by\": \"box\""), "{json}");
    assert!(entry.contains("\"works\": null,\n      \"reason\": null"), "{json}");
    assert_eq!(json.matches("\"works\": \"yes\"").count(), 1, "{json}");
    assert_eq!(json.matches("\"shadowed_by\": null").count(), 1, "{json}");

    // One that is switched off shadows nothing.
    fs::write(misc.join("box"), "0").unwrap();
    let list = table(&place, "-l");
    assert_eq!((list[0][6].as_str(), list[1][6].as_str()), ("-", "yes"));
}

#[test]
fn programs_that_another_tool_runs_are_left_to_it() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm", "s390x"]) else { return };
    let rosetta = place.put_as("rosetta", "none", "1");
    enter(misc, "rosetta", &rosetta, "");
    let leaving = "Leaving arm to rosetta (BIN/rosetta), which runs its programs\n";
    for arguments in ["-s -- -p", "-s -- -p ALL"] {
        let printed = place.register(arguments).ends(0, LIFETIME);
        assert!(printed.out.starts_with(leaving), "{}", printed.out);
        assert_eq!(names(misc), ["qemu-s390x", "rosetta"]);
    }
    let planned = place.register("-n -s -- -p");
    assert!(planned.out.starts_with(leaving) && !planned.out.contains("qemu-arm"), "{}", planned.out);
    let log = "installing: arm OK (rosetta (BIN/rosetta) runs it)\ninstalling: s390x OK\n";
    place.called("binfmt", "--install all").ends(0, &format!("{LIFETIME}{log}"));

    // Who names it means it; and says so.
    let note = "note: rosetta (BIN/rosetta) took programs of arm until now; the new entry wins\n";
    place.register("-s -- -p arm").ends(0, &format!("{LIFETIME}{note}"));
    assert_eq!(table(&place, "-l arm")[1][6], "shadowed by qemu-arm");
    // Now it is this program's: there is nothing left to say.
    let again = place.register("-s -- -p").ends(0, LIFETIME);
    assert!(again.out.contains("Keeping BIN/qemu-arm-static"), "{}", again.out);

    // With --force as well as by name.
    place.register("-- -r");
    place.register("-s --force -- -p").ends(0, &format!("{LIFETIME}{note}"));
    assert_eq!(names(misc), ["qemu-arm", "qemu-s390x", "rosetta"]);

    // One that runs nothing keeps nothing.
    place.register("-- -r");
    fs::write(misc.join("rosetta"), "-1").unwrap();
    enter(misc, "rosetta", Path::new("/nowhere/rosetta"), "");
    let note = "rosetta (/nowhere/rosetta) took programs of arm until now";
    place.register("-s -- -p").reports(0, note);
    assert_eq!(names(misc), ["qemu-arm", "qemu-s390x", "rosetta"]);
}

#[test]
fn debians_own_entry_is_left_where_it_works() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let wrapper = place.put_as("arm-binfmt-P", "arm", "10.0.2");
    enter(misc, "qemu-arm", &wrapper, "");
    let printed = place.register("-s -- -p").ends(0, LIFETIME);
    assert!(
        printed.out.starts_with("Leaving arm to qemu-arm (BIN/arm-binfmt-P), which runs its programs\n"),
        "{}",
        printed.out
    );
    assert_eq!(place.register("-s -- -p arm").code, Some(1), "the name is taken");
}

/// An entry of ours behind another tool's, whose QEMU is newer: that one says nothing of ours.
#[test]
fn an_entry_that_is_shadowed_is_brought_to_the_front() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    place.register("-s -- -p arm");
    enter(misc, "box", &place.put_as("box", "arm", "99.0.0"), "");
    let printed = place.register("-s -- -p arm");
    assert_eq!(
        (printed.code, printed.out.lines().next()),
        (Some(0), Some("Setting BIN/qemu-arm-static as binfmt interpreter for arm"))
    );
    assert_eq!(table(&place, "-l arm")[1][6], "yes");
}

#[test]
fn nothing_that_others_chose_reaches_the_terminal_as_it_is() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let line = b":e\x1b[2J\xff:E::xyz::/x\x1b]0;y\x07\xe2\x80\xaez:";
    fs::write(misc.join("register"), line).unwrap();
    fs::write(misc.join("register"), b":qemu-arm:M::q::/x\x1b[31m:").unwrap();
    let plain = |printed: &place::Printed| {
        let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!printed.out.contains(bad) && !printed.err.contains(bad), "{printed:?}");
    };
    let list = place.register("-l");
    plain(&list);
    assert!(list.out.contains("\ne\\x1b[2J\\xff  /x\\x1b]0;y\\x07\\u202ez  "), "{}", list.out);
    let json = place.register("--json");
    plain(&json);
    assert!(json.out.contains("\"/x\\u001b]0;y\\u0007\\u202ez\""), "{}", json.out);
    let refused = place.register("-s -- -p arm");
    plain(&refused);
    refused.reports(1, "(its interpreter is /x\\x1b[31m)");
    plain(&place.register("-- -r"));
    plain(&place.called("binfmt", "--uninstall qemu-*"));
    plain(&place.called("binfmt", ""));
    // An argument is no better.
    for typed in ["vax\x1b[1m", "-\x1b", "--qemu-path=/\x1b"] {
        plain(&place.register(&format!("-s -p {typed} sparc")));
    }
}

#[test]
fn an_entry_of_any_name_is_uninstalled_by_a_pattern() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &[]) else { return };
    fs::write(misc.join("register"), b":bad\xff:E::xyz::/x:").unwrap();
    let kept = "uninstalling: bad\\xff stays: it is another tool's\n";
    place.called("binfmt", "--uninstall bad?").ends(0, kept);
    place.called("binfmt", "--force --uninstall bad?").ends(0, "uninstalling: bad\\xff OK\n");
    assert_eq!(names(misc), [""; 0]);
}

#[test]
fn an_interpreter_with_a_suffix_of_any_bytes_is_this_programs() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let suffix = OsStr::from_bytes(b"-\xff");
    let name = OsStr::from_bytes(b"qemu-arm-\xff");
    fs::rename(place.qemu("arm"), place.bin().join(name)).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = place.command(&[env!("CARGO_BIN_EXE_register")]);
        command.env("QEMU_SUFFIX", suffix).args(arguments).output().unwrap()
    };
    assert!(run(&["--", "-p", "arm"]).status.success());
    assert!(run(&["--", "-p", "-g", "no", "arm"]).status.success(), "a second time it is replaced");
    let dir = place.folder("binfmts");
    assert!(run(&["--exportdir", dir.to_str().unwrap(), "--", "-d", "arm"]).status.success());
    let text = fs::read(dir.join("qemu-arm")).unwrap();
    let path = [place.bin().as_os_str().as_bytes(), b"/qemu-arm-\xff\n"].concat();
    assert!(text.windows(path.len()).any(|bytes| bytes == path), "{}", String::from_utf8_lossy(&text));
    assert!(run(&["--", "-r"]).status.success());
    assert_eq!(names(misc), [""; 0]);
}

#[test]
fn nothing_in_the_folder_of_an_export_is_waited_for_or_written_through() {
    let place = Place::with(&["arm", "sparc"]);
    let dir = place.folder("binfmt.d");
    let export = |rest: &str| place.register(&format!("-s -- --systemd -e {} {rest}", dir.display()));
    system(&format!("mkfifo {}/qemu-arm.conf", dir.display()));
    std::os::unix::fs::symlink("/dev/null", dir.join("qemu-sparc.conf")).unwrap();
    export("-r").check(0, "", "note: there is none of this program's files in DIR/binfmt.d\n");
    assert_eq!(export("arm").code, Some(0));
    export("-r arm").prints("Removing DIR/binfmt.d/qemu-arm.conf\n");
    assert_eq!(names(&dir), ["qemu-sparc.conf"]);

    // A line is known by its fields, whatever separates them; systemd takes those that begin with `;` or `#` for comments.
    let odd = place.folder("a:b|c,d;e#f");
    let printed = export(&format!("-Q {} arm", odd.display()));
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let text = fs::read(dir.join("qemu-arm.conf")).unwrap();
    assert!(text.starts_with(b"%qemu-arm%M%%"), "{}", String::from_utf8_lossy(&text));
    export("-r arm").prints("Removing DIR/binfmt.d/qemu-arm.conf\n");
}

#[test]
fn an_export_writes_through_nobodys_link() {
    let place = Place::with(&["arm"]);
    let dir = place.folder("binfmt.d");
    let victim = place.path("victim");
    fs::write(&victim, "precious").unwrap();
    // A user who can write to the folder lays links where the temporary file used to be, for each process that comes.
    let script = format!(
        "ln -s {} {}/qemu-arm.conf.$$.new; exec {} -s -- --systemd -e {} arm",
        victim.display(),
        dir.display(),
        env!("CARGO_BIN_EXE_register"),
        dir.display()
    );
    let printed = place.run(&["sh", "-c", &script], "");
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(fs::symlink_metadata(dir.join("qemu-arm.conf")).unwrap().is_file());
}

#[test]
fn an_interpreter_that_is_no_file_is_not_waited_for() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &[]) else { return };
    let fifo = place.bin().join("qemu-arm-static");
    system(&format!("mkfifo {}", fifo.display()));
    enter(misc, "qemu-arm", &fifo, "");
    assert_eq!(table(&place, "-l --no-check")[0][2], "-");
    let version = format!("register {}\nno QEMU in BIN\n", env!("CARGO_PKG_VERSION"));
    place.register("-V").prints(&version);
    assert!(place.called("binfmt", "--version").out.ends_with(" qemu/none\n"));
}

#[test]
fn the_version_is_that_of_its_qemus_too() {
    let place = Place::with(&["arm", "s390x"]);
    let own = env!("CARGO_PKG_VERSION");
    place.register("-V").prints(&format!("register {own}\nQEMU 11.1.3 in BIN\n"));
    place.put("s390x", "7.2.22");
    place.register("--version").prints(&format!("register {own}\nQEMU 11.1.3, 7.2.22 in BIN\n"));
}

/// Both want the outcome, and a program that hangs would be waited for twice.
#[test]
fn a_list_and_the_check_after_it_run_a_program_once() {
    let Some((_, place)) = Place::alone(private::test_name!(), &[]) else { return };
    let put = |code: i32| {
        let count = place.path("count");
        place.put_bytes("s390x", format!("#!/bin/sh\necho >>{}\nexit {code}\n", count.display()).as_bytes());
    };
    let runs = || fs::read_to_string(place.path("count")).map_or(0, |text| text.lines().count());
    put(42);
    assert_eq!(place.register("-s -- s390x").code, Some(0));
    let checked = "s390x runs under an interpreter that is no QEMU\n1 of 1 targets run\n";
    // A dry run starts nothing.
    let listed = place.register("-l -n");
    assert_eq!((listed.code, runs()), (Some(0), 0));
    assert!(listed.out.ends_with("  -\n"), "{listed:?}");
    let listed = place.register("-l --check s390x");
    assert_eq!((listed.code, listed.err.as_str(), runs()), (Some(0), "", 1), "{listed:?}");
    assert!(listed.out.ends_with(&format!("  yes\n{checked}")), "{listed:?}");
    // What is for machines is nothing else.
    let json = place.register("--json --check s390x");
    assert_eq!((json.code, json.err.as_str(), runs()), (Some(0), checked, 2), "{json:?}");
    assert!(json.out.starts_with('{') && json.out.ends_with("\n}\n"), "{json:?}");
    let json = place.register("--json -n -- s390x");
    assert!(json.out.ends_with("\n}\n") && json.err.starts_with("Would register :qemu-s390x:"), "{json:?}");

    put(1);
    let error = "error: a program of s390x does not run: it exited with 1 instead of 42\n";
    for arguments in ["-l --check s390x", "--json --check s390x", "-l --check"] {
        let before = runs();
        place.register(arguments).reports(1, error);
        assert_eq!(runs() - before, 1, "{arguments}");
    }

    // What was found of an entry is not held to be true without it.
    put(42);
    let error = "error: a program of s390x does not run: nothing is registered that runs it\n";
    place.register("-l -r --check s390x").ends(1, error);
}

#[test]
fn looking_mounts_nothing() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let none: [PathBuf; 0] = [];
    system(&format!("umount {}", misc.display()));
    let note = "note: binfmt_misc is not mounted, so nothing is registered\n";
    for arguments in ["-l", "-- -r", "-r -e", "-- -r arm", "-n -l"] {
        place.register(arguments).check(0, "", note);
        assert_eq!(mounts(), none, "{arguments}");
    }
    for arguments in ["--json", "-n --json", "-r --json"] {
        let json = place.register(arguments);
        assert_eq!(json.code, Some(0));
        let part =
            format!("\"path\": \"{}\",\n    \"mounted\": false,\n    \"enabled\": false", misc.display());
        assert!(json.out.contains(&part) && json.out.ends_with("\"entries\": []\n}\n"), "{}", json.out);
        assert_eq!(mounts(), none, "{arguments}");
    }
    place.register("--check x86_64,arm").check(
        1,
        "x86_64 runs on this machine itself\n1 of 2 targets run\n",
        "error: a program of arm does not run: nothing is registered that runs it\n",
    );
    let status = place.called("binfmt", "");
    assert!(status.code == Some(0) && status.out.ends_with("\"emulators\": []\n}\n"), "{status:?}");
    assert_eq!(place.called("binfmt", "--uninstall qemu-*").err, "uninstalling: qemu-* not found\n");
    assert_eq!(mounts(), none);
    // And so the next call gets what the first would have been.
    assert_eq!(place.register("-s -- -p arm").code, Some(1));
    assert_eq!(place.register("-l -s -- -p arm").code, Some(1));
    assert_eq!(mounts(), none);
}

#[test]
fn entries_that_would_vanish_are_not_registered_unless_they_may() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let misc = misc.display().to_string();
    system(&format!("umount {misc}"));
    let refused = format!(
        "error: binfmt_misc is not mounted on this machine; mounted at {misc} in this container only, it would take all \
         entries with it when the container ends\n\
         hint: this is a user namespace (rootless container?): to serve the whole machine, run as real root; --ephemeral \
         registers for as long as this container runs\n"
    );
    let container = ["unshare", "-m", "-p", "--fork", "--mount-proc", env!("CARGO_BIN_EXE_register")];
    for arguments in ["-s -- -p arm", "-s -- -p", "-s -- arm", "-s -- -t arm", "--install arm"] {
        place.register(arguments).fails(&refused);
        place.run(&container, arguments).fails(&refused);
        assert_eq!(mounts(), [""; 0].map(PathBuf::from), "{arguments}");
    }
    let warning = format!(
        "warning: binfmt_misc is mounted at {misc} in this container only: all entries vanish with it\n{LIFETIME}"
    );
    let set = "Setting BIN/qemu-arm-static as binfmt interpreter for arm\n\
               1 set, 0 kept as they were; flags: PF; 1 of 1 proved by running\n";
    place.run(&container, "-s --ephemeral -- -p arm").check(0, set, &warning);
    place.run(&container, "--ephemeral --install arm").ends(0, &format!("{warning}installing: arm OK\n"));
    assert_eq!(place.register("-s -- -t --ephemeral arm").code, Some(0));
    assert_eq!(mounts(), [""; 0].map(PathBuf::from));
    place.register("-s -- -p --ephemeral arm").check(0, set, &warning);
    assert_eq!(names(Path::new(&misc)), ["qemu-arm"]);
    // What is mounted is mounted.
    std::thread::sleep(std::time::Duration::from_millis(50));
    place.run(&container, &format!("--mount {misc} -s -- -p arm")).ends(0, LIFETIME);
}

#[test]
fn the_machines_own_beside_others_runs_by_itself() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm", "x86_64"]) else { return };
    for list in ["linux/amd64,linux/arm/v7", "linux/amd64/v2 arm/v8", "x86_64,arm"] {
        let printed = place.register(&format!("-s -- -p {list}")).ends(0, LIFETIME);
        assert!(
            printed.out.starts_with("Skipping x86_64: this machine (x86_64) runs these by itself\n"),
            "{printed:?}"
        );
        assert_eq!(names(misc), ["qemu-arm"]);
    }
    // Not even so.
    assert_eq!(place.register("-s --force -- -p -i yes amd64,arm").code, Some(0));
    assert_eq!(names(misc), ["qemu-arm"]);
    assert_eq!(place.register("-s -- -p amd64,linux/amd64/v3").code, Some(1), "alone it is refused");
}

/// The names that `binfmt` prints are names that it takes.
#[test]
fn every_platform_that_is_printed_is_a_name() {
    let Some(_) = private::enter(private::test_name!()) else { return };
    let place =
        Place::with(&["aarch64", "arm", "ppc64le", "riscv64", "s390x", "mips64", "mips64el", "loongarch64"]);
    let printed = place.called("binfmt", "--install all");
    let (_, rest) = printed.out.split_once("\"supported\": [").unwrap();
    let (list, _) = rest.split_once(']').unwrap();
    let platforms: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert!(platforms.len() >= 11, "{platforms:?}");
    let list = platforms.join(",");
    assert_eq!(place.called("binfmt", &format!("--install {list}")).code, Some(0), "{list}");
    assert_eq!(place.register(&format!("-s -- -p {list}")).code, Some(0), "{list}");
}

#[test]
fn a_check_that_was_asked_for_and_could_not_be_made_is_a_failure() {
    let Some((_, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let (register, files) = (env!("CARGO_BIN_EXE_register"), place.folder("tmp"));
    system(&format!("mount -t tmpfs -o noexec none {}", files.display()));
    let run = |check: &str| {
        let script = format!(
            "echo 2 > /proc/sys/vm/memfd_noexec && TMPDIR={} exec {register} -s -- -p {check} arm",
            files.display()
        );
        let mut command = place.command(&["unshare", "-p", "--fork", "--mount-proc", "sh", "-c", &script]);
        place.printed(command.output().unwrap())
    };
    run("").reports(0, "warning: qemu-arm: not tried: ");
    run("--check").reports(1, "error: qemu-arm: not tried: ");
}

#[test]
fn help_that_nobody_can_read_is_a_failure() {
    let place = Place::with(&[]);
    for arguments in [&["-h"][..], &["-V"], &["--", "-h"], &["--install", "arm", "--help"]] {
        let error = "error: cannot write the output: No space left on device (os error 28)\n";
        place.register_to_a_full_disk(arguments).fails(error);
    }
}
