//! `register` on the running kernel: what it does when all is well, in a private binfmt_misc.

// The expected texts name the machine.
#![cfg(target_arch = "x86_64")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::place::{self, LIFETIME, Place, enter, entries, names};
use crate::private;

fn kernel_says(misc: &Path, name: &str) -> String {
    fs::read_to_string(misc.join(name)).unwrap()
}

#[test]
fn the_first_command_of_the_manual() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm", "s390x"]) else { return };
    let set = "Setting BIN/qemu-arm-static as binfmt interpreter for arm\n\
               1 set, 0 kept as they were; flags: PF; 1 of 1 proved by running\n";
    place.register("-s -- -p arm").check(0, set, LIFETIME);
    let expected = format!(
        "enabled\ninterpreter {}\nflags: PF\noffset 0\nmagic 7f454c4601010100000000000000000002002800\n\
         mask ffffffffffffff00fffffffffffffffffeffffff\n",
        place.qemu("arm").display()
    );
    assert_eq!(kernel_says(misc, "qemu-arm"), expected);

    // The same again is a success that writes nothing.
    let before = entries(misc);
    let kept = "Keeping BIN/qemu-arm-static as binfmt interpreter for arm\n\
                0 set, 1 kept as they were; flags: PF; 1 of 1 proved by running\n";
    place.register("-s -- -p linux/arm/v7").check(0, kept, LIFETIME);
    assert_eq!(entries(misc), before);

    place.register("-s -- -p").check(
        0,
        "Skipping i386 i486 x86_64: this machine (x86_64) runs these by itself\n\
         Skipping aarch64 aarch64_be alpha armeb hexagon hppa loongarch64 m68k microblaze microblazeel mips mips64 \
         mips64el mipsel mipsn32 mipsn32el or1k ppc ppc64 ppc64le riscv32 riscv64 sh4 sh4eb sparc sparc32plus sparc64 \
         xtensa xtensaeb: BIN has no binary for these\n\
         Keeping BIN/qemu-arm-static as binfmt interpreter for arm\n\
         Setting BIN/qemu-s390x-static as binfmt interpreter for s390x\n\
         1 set, 1 kept as they were; flags: PF; 2 of 2 proved by running\n",
        LIFETIME,
    );
    place.register("-- -r s390x").prints("Removing qemu-s390x\n");
    place.register("-- -r").prints("Removing qemu-arm\n");
    assert_eq!(names(misc), [""; 0]);
    place.register("-- -r").check(0, "", "note: nothing of this program's was registered\n");
    place.register("-- -r arm").check(0, "", "note: qemu-arm was not registered\n");
}

#[test]
fn flags_are_what_was_asked_for() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    for (arguments, flags) in [
        ("-s -- arm", ""),
        ("-s -- -p yes arm", "PF"),
        ("-s -- -p no arm", ""),
        ("-s -- -p -g no arm", "F"),
        ("-s -- -c arm", "OC"),
        ("-s -- -p -c yes arm", "POCF"),
        ("-s -- -g yes arm", "P"),
    ] {
        assert_eq!(place.register(arguments).code, Some(0), "{arguments}");
        let says = kernel_says(misc, "qemu-arm");
        assert!(says.contains(&format!("\nflags: {flags}\n")), "{arguments}: {says}");
    }
    let warning = "warning: with -c, set-user-ID programs of these targets run with their owner's rights";
    place.register("-s -- -c arm").reports(0, warning);
}

#[test]
fn what_the_kernel_holds_is_compared_with_what_is_here_now() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let line =
        |word: &str, rest: &str| format!("{word} BIN/qemu-arm-static as binfmt interpreter for arm{rest}\n");
    let first_line =
        |arguments: &str| place.register(arguments).out.split_inclusive('\n').next().unwrap().to_owned();
    assert_eq!(first_line("-s -- -p arm"), line("Setting", ""));
    let written = entries(misc);
    // Equal bytes in another file: another container of the same image.
    place.put("arm", "11.1.3");
    assert_eq!(first_line("-s -- -p arm"), line("Keeping", ""));
    assert_eq!(entries(misc), written);
    // The entry's text is the same, and the file behind it an older one.
    place.put("arm", "11.2.0");
    assert_eq!(first_line("-s -- -p arm"), line("Setting", ""));
    assert_ne!(entries(misc), written);
    assert!(
        place.register("-l").out.contains(" 11.2.0 "),
        "the list tells the version that the kernel holds"
    );
    // The newest QEMU wins.
    place.put("arm", "11.1.9");
    let written = entries(misc);
    assert_eq!(first_line("-s -- -p arm"), line("Keeping", ": its QEMU 11.2.0 is newer"));
    assert_eq!(entries(misc), written);
    assert_eq!(first_line("-s -f -- -p arm"), line("Setting", ""));
    assert!(place.register("-l").out.contains(" 11.1.9 "));

    // Debian's own, which has one harmless flag more, is kept while it is newer; with rights that were not asked for,
    // it is not.
    let debians = |version: &str, flags: &str| {
        place.register("-- -r");
        let path = place.put_as("qemu-arm", "arm", version);
        enter(misc, "qemu-arm", &path, flags);
    };
    debians("12.0.0", "POF");
    let kept = "Keeping BIN/qemu-arm as binfmt interpreter for arm: its QEMU 12.0.0 is newer\n";
    assert_eq!(first_line("-s -- -p arm"), kept);
    for (version, flags) in [("12.0.0", "POCF"), ("12.0.0", "F"), ("10.0.0", "POF")] {
        debians(version, flags);
        assert_eq!(first_line("-s -- -p arm"), line("Setting", ""), "{version} {flags}");
    }
}

#[test]
fn other_tools_entries_stay() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm", "sparc"]) else { return };
    let other = |name: &str, interpreter: &str| {
        fs::write(misc.join("register"), format!(":{name}:M::\\x7fQ{name}::{interpreter}:")).unwrap();
    };
    other("WSLInterop", "/init");
    other("python3.11", "/usr/bin/python3.11");
    other("qemu-arm", "/usr/libexec/qemu-binfmt/arm-binfmt-P");
    assert_eq!(place.register("-s -- -p sparc").code, Some(0));
    place.register("-s -- -p arm").fails(&format!(
        "{LIFETIME}error: cannot register arm: the entry qemu-arm is another tool's (its interpreter is \
             /usr/libexec/qemu-binfmt/arm-binfmt-P)\n\
             hint: --force replaces it; removing that tool's registration leaves it in order\n\
             note: 1 of 1 targets could not be registered\n"
    ));
    place.register("-- -r arm").fails(
        "error: cannot remove arm: qemu-arm is another tool's (its interpreter is \
         /usr/libexec/qemu-binfmt/arm-binfmt-P) and stays\nhint: --force removes it\n",
    );
    let stays = "note: qemu-arm is another tool's (its interpreter is /usr/libexec/qemu-binfmt/arm-binfmt-P) and stays; \
         --force removes it\n";
    place.register("-- -r").check(0, "Removing qemu-sparc\n", stays);
    assert_eq!(names(misc), ["WSLInterop", "python3.11", "qemu-arm"]);
    place.register("-s --force -- -p arm").check(
        0,
        "Setting BIN/qemu-arm-static as binfmt interpreter for arm\n\
         1 set, 0 kept as they were; flags: PF; 1 of 1 proved by running\n",
        LIFETIME,
    );
    place.register("-r -e").prints("Removing qemu-arm\n");
    assert_eq!(names(misc), ["WSLInterop", "python3.11"]);
    // Not even by force: their names are no target's.
    place.register("-f -- -r").check(0, "", "note: nothing of this program's was registered\n");
    assert_eq!(names(misc), ["WSLInterop", "python3.11"]);
}

/// The states that a replacement leaves when it is killed stand in `binfmt`'s tests of it, which kill it at each point.
#[test]
fn a_replacement_that_was_killed_is_finished_or_undone_by_the_next() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let binfmt = |arguments: &str| place.called("binfmt", arguments);
    let register = |arguments: &str| place.register(arguments);
    for left in
        [&["qemu-arm", "qemu-arm.qus-new"][..], &["qemu-arm.qus-new"], &["qemu-arm.qus-new", "qemu-arm"]]
    {
        for (printed, then) in [
            (&(|| register("-s -- -p arm")) as &dyn Fn() -> place::Printed, &["qemu-arm"][..]),
            (&|| register("-s -- -p -g no arm"), &["qemu-arm"]),
            (&|| register("-s -- -p --no-check arm"), &["qemu-arm"]),
            (&|| binfmt("--install arm"), &["qemu-arm"]),
            (&|| register("-- -r"), &[]),
            (&|| register("-- -r arm"), &[]),
            (&|| register("-r -e"), &[]),
            (&|| binfmt("--uninstall arm"), &[]),
            (&|| binfmt("--uninstall qemu-arm"), &[]),
            (&|| binfmt("--uninstall qemu-a*"), &[]),
        ] {
            for name in left {
                enter(misc, name, &place.qemu("arm"), "F");
            }
            let printed = printed();
            assert_eq!(
                (printed.code, names(misc)),
                (Some(0), then.iter().map(|name| (*name).to_owned()).collect()),
                "{left:?} {printed:?}"
            );
            register("-- -r");
            assert_eq!(names(misc), [""; 0]);
        }
    }
}

#[test]
fn a_binary_that_does_not_run_replaces_nothing() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let error = |then: &str| {
        format!(
            "error: cannot register arm: a program of arm does not run under BIN/qemu-arm-static: it exited with 0 instead \
             of 42; {then}\nhint: --force registers it all the same, --no-check without running a program\n"
        )
    };
    let none = "note: 1 of 1 targets could not be registered\n";
    let works = || place.register("--check arm").prints("arm runs under QEMU 11.1.3\n1 of 1 targets run\n");
    let broken = || place.put_bytes("arm", &fs::read("/bin/true").unwrap());
    // Over the file of a good entry: with F the kernel goes on with the file that it has.
    for arguments in ["-s -- -p -g no arm", "-s -- -p arm"] {
        place.put("arm", "11.1.3");
        assert_eq!(place.register(arguments).code, Some(0));
        let before = entries(misc);
        broken();
        let stays = error("the entry qemu-arm that was there stays");
        place.register("-s -- -p arm").fails(&format!("{LIFETIME}{stays}{none}"));
        let failed = stays.replace("error: ", "installing: arm ");
        place.called("binfmt", "--install arm").ends(1, &format!("{LIFETIME}{failed}"));
        assert_eq!(entries(misc), before);
        works();
    }
    // Beside another tool's entry of another name, in front of which a new one would stand.
    place.register("-- -r");
    place.put("arm", "11.1.3");
    enter(misc, "rosetta", &place.put_as("qemu-arm-good", "arm", "11.1.3"), "F");
    broken();
    place.register("-s -- -p arm").fails(&format!("{LIFETIME}{}{none}", error("so it was not registered")));
    assert_eq!(names(misc), ["rosetta"]);
    works();
    // A leftover is not left for good, and until there is something better, it is not lost.
    fs::write(misc.join("rosetta"), "-1").unwrap();
    enter(misc, "qemu-arm.qus-new", &place.bin().join("qemu-arm-good"), "F");
    place.register("-s -- -p arm").fails(&format!("{LIFETIME}{}{none}", error("so it was not registered")));
    works();
    // Who wants it has it.
    let set = "Setting BIN/qemu-arm-static as binfmt interpreter for arm\n\
               1 set, 0 kept as they were; flags: F";
    let printed = place.register("-s -- -p --no-check arm");
    assert_eq!((printed.code, printed.out), (Some(0), format!("{set}\n")));
    assert_eq!(names(misc), ["qemu-arm"]);
    let registered =
        "error: qemu-arm is registered, but a program of arm does not run: it exited with 0 instead of 42\n";
    let printed = place.register("-s -f -- -p arm").reports(1, registered);
    assert_eq!(printed.out, format!("{set}; 0 of 1 proved by running\n"));
}

#[test]
fn an_interpreter_that_everybody_can_change_gets_no_credentials_without_a_word() {
    let Some((_, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let files = place.folder("files");
    let warning = |open: &str| {
        format!(
            "warning: everybody can write to {open}: with the flag C, who changes BIN/qemu-arm-static becomes root\n\
         hint: chmod o-w {open}, make sure of the file, and register again\n"
        )
    };
    let export = format!("-s -- -p -c --systemd --exportdir {} arm", files.display());
    for (path, mode, open) in [(place.qemu("arm"), 0o757, "BIN/qemu-arm-static"), (place.bin(), 0o777, "BIN")]
    {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        place.register("-s -- -p -c arm").reports(0, &warning(open));
        place.called("binfmt", "--install arm").reports(0, &warning(open));
        place.register(&export).reports(0, &warning(open));
        assert!(!place.register("-s -- -p arm").err.contains("warning: "));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(!place.register("-s -- -p -c arm").err.contains("everybody"));
    }
}

/// Without `F`, the file at the path is what runs, whatever was registered before.
#[test]
fn without_the_flag_f_an_entry_at_another_path_stays() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let good = place.put_as("qemu-arm", "arm", "11.1.3");
    assert_eq!(place.register("-- -p no --check arm").code, Some(0));
    let before = entries(misc);
    place.put_bytes("arm", &fs::read("/bin/true").unwrap());
    let stays = "; the entry qemu-arm that was there stays\n";
    place.register("-s -- -p no --check arm").reports(1, stays);
    assert_eq!(entries(misc), before);
    assert!(kernel_says(misc, "qemu-arm").contains(&format!("\ninterpreter {}\n", good.display())));
}

#[test]
fn an_interpreter_that_the_kernel_cannot_use_is_taken_back() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let error = |then: &str| {
        format!(
            "error: cannot register arm: a program of arm does not run under BIN/qemu-arm-static: it exited with 43 instead \
             of 42; {then}\n"
        )
    };
    let good = place.put_as("qemu-arm-good", "arm", "11.1.3");
    place.register("-s -- -p arm");
    let before = entries(misc);
    place.put_one_that_the_kernel_cannot_use("arm");
    place.register("-s -- -p arm").reports(1, &error("the entry qemu-arm that was there stays"));
    assert_eq!(entries(misc), before);
    // Where there was none.
    place.register("-- -r");
    place.register("-s -- -p arm").reports(1, &error("so it was not registered"));
    assert_eq!(names(misc), [""; 0]);
    // A leftover is not left for good, and until there is something better, it is not lost.
    enter(misc, "qemu-arm.qus-new", &good, "F");
    let stays = "qemu-arm.qus-new, which a killed replacement has left, stays in effect";
    place.register("-s -- -p arm").reports(1, &error(stays));
    assert_eq!(names(misc), ["qemu-arm.qus-new"]);
}

#[test]
fn a_register_that_is_killed_while_it_tries_an_interpreter_loses_nothing() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    place.register("-s -- -p arm");
    let good = entries(misc);
    let killed_when = |is_time: &dyn Fn() -> bool| {
        let mut command = place.command(&[env!("CARGO_BIN_EXE_register"), "-s", "--", "-p", "arm"]);
        let mut trying = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !is_time() {
            assert_eq!(trying.try_wait().unwrap(), None, "it waits for a program that does not end");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        trying.kill().unwrap();
        trying.wait().unwrap();
    };
    let runs = |program: &Path| {
        let processes = fs::read_dir("/proc").unwrap().map(|process| process.unwrap().path().join("exe"));
        processes.into_iter().any(|exe| fs::read_link(exe).is_ok_and(|exe| exe == program))
    };
    // One that never ends: nothing was registered yet.
    place.put_bytes("arm", &fs::read("/usr/bin/yes").unwrap());
    killed_when(&|| runs(&place.qemu("arm")));
    assert_eq!(entries(misc), good);
    // One that only fails when the kernel calls it: the next `register` undoes what was done, and so does a removal.
    for heals in [true, false] {
        place.put_one_that_the_kernel_cannot_use("arm");
        killed_when(&|| names(misc).len() == 2);
        assert_eq!(names(misc), ["qemu-arm", "qemu-arm.qus-new"]);
        place.put("arm", "11.1.3");
        if heals {
            assert_eq!(place.register("-s -- -p arm").code, Some(0));
            assert_eq!(entries(misc), good);
        } else {
            assert_eq!(place.called("binfmt", "--uninstall arm").code, Some(0));
            assert_eq!(names(misc), [""; 0]);
        }
    }
}

#[test]
fn the_list_is_for_people_and_the_json_for_machines() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    place.register("-l").check(0, "", "note: nothing is registered\n");
    place.register("-s -- -p arm");
    fs::write(misc.join("register"), ":jar:E::jar::/usr/bin/jexec:").unwrap();
    fs::write(misc.join("register"), ":qemu-sparc:M::sparc::/usr/bin/qemu-sparc:").unwrap();
    fs::write(misc.join("qemu-sparc"), "0").unwrap();
    let listed = place.register("--list");
    let fields: Vec<Vec<&str>> = listed.out.lines().map(|line| line.split_whitespace().collect()).collect();
    let path = "BIN/qemu-arm-static";
    assert_eq!(
        fields,
        [
            ["NAME", "INTERPRETER", "QEMU", "FLAGS", "STATE", "OWNER", "WORKS"],
            ["qemu-arm", path, "11.1.3", "PF", "enabled", "qemu", "yes"],
            ["qemu-sparc", "/usr/bin/qemu-sparc", "-", "-", "disabled", "qemu", "-"],
            ["jar", "/usr/bin/jexec", "-", "-", "enabled", "other", "-"],
        ]
    );
    listed.ends(0, "");
    let json = place.register("--json arm");
    let kernel = binfmt::Kernel::running().unwrap();
    let expected = format!(
        "{{\n  \"schema\": 1,\n  \"version\": \"{}\",\n  \"machine\": {{\n    \"name\": \"x86_64\",\n    \
         \"kernel\": \"{kernel}\",\n    \"native\": [\n      \"x86_64\"\n    ]\n  }},\n  \"binfmt_misc\": {{\n    \
         \"path\": \"/proc/sys/fs/binfmt_misc\",\n    \"mounted\": true,\n    \"enabled\": true,\n    \"user_namespace\": true\n  }},\n  \
         \"entries\": [\n    {{\n      \"name\": \"qemu-arm\",\n      \"target\": \"arm\",\n      \
         \"interpreter\": \"BIN/qemu-arm-static\",\n      \"flags\": \"PF\",\n      \"enabled\": true,\n      \
         \"owner\": \"qemu\",\n      \"shadowed_by\": null,\n      \"qemu\": \"11.1.3\",\n      \"cpu\": null,\n      \"works\": \"yes\",\n      \"reason\": null,\n      \"check\": \"small\"\n    \
         }}\n  ]\n}}\n",
        env!("CARGO_PKG_VERSION")
    );
    json.prints(&expected);
    // The old habit of looking without touching.
    let before = entries(misc);
    let printed = place.register("-l -- -t");
    assert!(printed.code == Some(0) && printed.out.starts_with("NAME "), "{printed:?}");
    assert!(printed.out.ends_with("31 could be set (-n lists them)\n"), "{printed:?}");
    let removals = "Would remove qemu-sparc\nWould remove qemu-arm\n";
    for arguments in ["-n -- -r", "-- -t -r", "-n -r -e"] {
        place.register(arguments).prints(removals);
    }
    place.register("-n -- -r arm").prints("Would remove qemu-arm\n");
    place.register("-n -p -s arm").prints(&format!(
            "Would register :qemu-arm:M::\\x7f\\x45\\x4c\\x46\\x01\\x01\\x01{}\\x02\\x00\\x28\\x00:{}\\x00{}\\xfe{}:\
             BIN/qemu-arm-static:PF\n",
            "\\x00".repeat(9),
            "\\xff".repeat(7),
            "\\xff".repeat(8),
            "\\xff".repeat(3),
        ));
    assert_eq!(entries(misc), before);
}

#[test]
fn check_tells_what_runs_and_fails_for_what_was_named() {
    let Some((_, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    place.register("-s -- -p arm");
    let both = "arm runs under QEMU 11.1.3\nx86_64 runs on this machine itself\n2 of 2 targets run\n";
    place.register("--check arm,x86_64").prints(both);
    place.register("--check sparc").check(
        1,
        "0 of 1 targets run\n",
        "error: a program of sparc does not run: nothing is registered that runs it\n",
    );
    let all = place.register("--check").ends(0, "");
    assert!(all.out.contains("\nalpha does not run: nothing is registered that runs it\narm runs under"));

    // An interpreter that fails is reported with what it did.
    place.put_bytes("arm", &fs::read("/bin/true").unwrap());
    let error =
        "error: qemu-arm is registered, but a program of arm does not run: it exited with 0 instead of 42\n";
    let dynamic =
        "warning: BIN/qemu-arm-static is dynamically linked: it only runs where its loader and libraries are";
    place.register("-s -f -- -p arm").reports(1, error).reports(1, dynamic);
    let listed = place.register("-l").out;
    assert!(listed.contains("no: it exited with 0 instead of 42"), "{listed}");
    assert_eq!(place.register("-s -- -p --no-check arm").code, Some(0));
}
