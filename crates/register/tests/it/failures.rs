//! `register` when something is wrong: each cause has its own message, and nothing is half done.

// The expected texts name the machine.
#![cfg(target_arch = "x86_64")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::place::{self, LIFETIME, POWERLESS, Place, enter, names, system};
use crate::private;
use qus_register::program;

const NONE_OF_ONE: &str = "note: 1 of 1 targets could not be registered\n";

#[test]
fn names_that_are_nobodys() {
    let place = Place::with(&[]);
    let printed = place.register("-s -- -p aarch46 arm vax");
    assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""));
    let expected = "error: unknown target `aarch46` (did you mean `aarch64`?)\nerror: unknown target `vax`\n\
                    hint: the targets are aarch64 aarch64_be alpha arm ";
    assert!(printed.err.starts_with(expected), "{}", printed.err);
    place.register("-X").fails("Invalid option: -X\nhint: --help lists the options\n");
    let warning = "warning: HOST_ARCH is `amd46`, which is no machine that is known here\n";
    place.register_with(&[("HOST_ARCH", "amd46")], "-n -s arm").ends(0, warning);
    let error = "error: QEMU_CREDENTIAL is `maybe`; it can be `yes` or `no`\n";
    place.register_with(&[("QEMU_CREDENTIAL", "maybe")], "-n -s arm").fails(error);
}

#[test]
fn the_machines_own_architecture_is_refused() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["x86_64", "i386"]) else { return };
    let refused = "error: cannot register x86_64: it is this machine's own architecture (x86_64)\n\
         hint: this machine runs such programs by itself; with an entry for them, none would start any more\n";
    let expected = format!("{LIFETIME}{refused}{NONE_OF_ONE}");
    for arguments in ["-s -- -p amd64", "-s -f -- -p -i yes x86_64"] {
        place.register(arguments).fails(&expected);
    }
    // Whatever it claims to be.
    let error = "cannot register x86_64: it is this machine's own architecture";
    place.register_with(&[("HOST_ARCH", "aarch64")], "-s -- -p x86_64").reports(1, error);
    assert_eq!(names(misc), [""; 0]);

    let skipped = "Skipping i386: this machine (x86_64) runs these by itself\n";
    place.register("-s -- -p i386").check(0, skipped, LIFETIME);
    let set = "Setting BIN/qemu-i386-static as binfmt interpreter for i386\n\
               1 set, 0 kept as they were; flags: PF; 1 of 1 proved by running\n";
    place.register("-s -- -p -i yes i386").check(0, set, LIFETIME);
}

#[test]
fn interpreters_that_will_not_do() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &[]) else { return };
    let refused = |problem: &str, hint: &str| {
        place
            .register("-s -- -p arm")
            .fails(&format!("{LIFETIME}error: cannot register arm: {problem}\n{hint}{NONE_OF_ONE}"));
        assert_eq!(names(misc), [""; 0]);
    };
    let none =
        "hint: BIN holds no QEMU binaries; set QEMU_BIN_DIR or --qemu-path, or use an image that has them\n";
    refused("there is no BIN/qemu-arm-static", none);
    place.put_bytes("arm", b"#!/bin/sh\n");
    refused("BIN/qemu-arm-static is not an ELF program", "");
    place.put_bytes("arm", &program::elf("aarch64".parse().unwrap()).unwrap());
    refused(
        "BIN/qemu-arm-static is a program for aarch64, which this machine (x86_64) cannot run",
        "hint: use the QEMU binaries for x86_64 hosts\n",
    );
    place.put("arm", "11.1.3");
    fs::set_permissions(place.qemu("arm"), Permissions::from_mode(0o644)).unwrap();
    refused("BIN/qemu-arm-static is not executable", "hint: chmod +x BIN/qemu-arm-static\n");
    // Every one that is there is tried, and one that fails does not keep the others from it.
    place.put("sparc", "11.1.3");
    let printed = place.register("-s -- -p arm,sparc,alpha");
    assert_eq!((printed.code, names(misc)), (Some(1), vec!["qemu-sparc".to_owned()]));
    assert!(printed.err.ends_with("note: 2 of 3 targets could not be registered\n"), "{}", printed.err);
}

#[test]
fn everything_with_nothing_there_fails() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &[]) else { return };
    let error = "error: cannot register aarch64: there is no BIN/qemu-aarch64-static\n";
    place.register("-s -- -p").reports(1, error);
    assert_eq!(names(misc), [""; 0]);
    // Without -p the containers bring the interpreters: then it does not matter what is here.
    let set = "Setting BIN/qemu-arm-static as binfmt interpreter for arm\n\
               1 set, 0 kept as they were; flags: none\n";
    let note = "note: 1 of 1 interpreters cannot be used from here: each container has to hold its own\n";
    place.register("-s -- arm").check(0, set, &format!("{LIFETIME}{note}"));
}

#[test]
fn without_a_mount_and_without_the_right_to_mount() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let misc = misc.display().to_string();
    system(&format!("umount {misc}"));
    let hint = "hint: this is a user namespace (rootless container?), which can mount a binfmt_misc of its own only \
                with Linux 6.7 or newer and CAP_SYS_ADMIN in the namespace; to change the machine's, run as real root; \
                or do without: aptman/qus:run runs foreign programs with neither privilege nor binfmt_misc\n";
    let error =
        format!("error: binfmt_misc is not mounted at {misc}, and mounting it needs CAP_SYS_ADMIN\n{hint}");
    for arguments in ["-s -- -p arm", "-l", "-- -r", "--check"] {
        place.powerless(arguments).fails(&error);
    }
    // What needs no binfmt_misc works.
    assert_eq!(place.powerless("--help").code, Some(0));
    let printed = place.powerless("-n -s -- -p arm");
    assert!(
        printed.code == Some(0) && printed.out.starts_with("Would register :qemu-arm:M::\\x7f\\x45"),
        "{}",
        printed.out
    );
    // With the right to, it is mounted.
    assert_eq!(place.register("-s -- -p --ephemeral arm").code, Some(0));
    system(&format!("test -e {misc}/qemu-arm"));
}

#[test]
fn least_privilege_is_a_bound_in_mount_and_no_capability() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let elsewhere = place.folder("binfmt_misc");
    system(&format!("mount --bind {} {}", misc.display(), elsewhere.display()));
    system(&format!("umount {}", misc.display()));
    // Found by its type.
    let printed = place.powerless("-s -- -p arm");
    assert_eq!((printed.code, names(&elsewhere)), (Some(0), vec!["qemu-arm".to_owned()]));
    assert!(printed.out.ends_with("1 of 1 proved by running\n"), "{printed:?}");
    assert_eq!(place.powerless(&format!("--mount {} -- -r", elsewhere.display())).code, Some(0));
    let mut command = place.command(&POWERLESS);
    command.arg(env!("CARGO_BIN_EXE_register")).args(["-s", "--", "-p", "arm"]);
    assert!(command.env("QUS_BINFMT_MISC", &elsewhere).status().unwrap().success());
    assert_eq!(names(&elsewhere), ["qemu-arm"]);

    // Not even that: the file is another's.
    assert_eq!(place.powerless("-- -r").code, Some(0));
    place.powerless("-l").check(0, "", "note: nothing is registered\n");
    fs::set_permissions(elsewhere.join("register"), Permissions::from_mode(0o000)).unwrap();
    let way_out = "hint: aptman/qus:run runs foreign programs with neither privilege nor binfmt_misc\n";
    place.powerless("-l").check(0, "", &format!("note: nothing is registered\n{way_out}"));
    place.register("-l").check(0, "", "note: nothing is registered\n");
    let hint = "hint: this is a user namespace (rootless container?), whose root is not the machine's; to change the \
                machine's binfmt_misc, run as real root; or do without: aptman/qus:run runs foreign programs with \
                neither privilege nor binfmt_misc\n";
    place
        .powerless("-s -- -p arm")
        .fails(&format!("error: no permission to write DIR/binfmt_misc/register\n{hint}"));
}

#[test]
fn read_only_and_disabled() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let misc = misc.display().to_string();
    place.register("-s -- -p arm");
    fs::write(Path::new(&misc).join("status"), "0").unwrap();
    let status = format!(
        "binfmt_misc is disabled as a whole: {misc}/status says `disabled`\nhint: echo 1 > {misc}/status\n"
    );
    place.register("-s -- -p arm").fails(&format!("error: {status}"));
    place.register("-l").ends(0, &format!("warning: {status}"));
    // A check says it once, whatever comes before.
    for arguments in ["--check arm", "-l --check arm", "--json --check arm"] {
        let printed = place.register(arguments);
        let said = printed.err.matches(&format!("warning: {status}")).count();
        assert_eq!((printed.code, said), (Some(1), 1), "{arguments}: {printed:?}");
    }
    fs::write(Path::new(&misc).join("status"), "1").unwrap();

    // A single entry that is switched off is switched on again.
    fs::write(Path::new(&misc).join("qemu-arm"), "0").unwrap();
    assert_eq!(place.register("-s -- -p arm").code, Some(0));
    assert!(fs::read_to_string(Path::new(&misc).join("qemu-arm")).unwrap().starts_with("enabled\n"));

    system(&format!("mount -o remount,bind,ro {misc}"));
    let error = format!(
        "error: binfmt_misc is mounted read-only at {misc}\n\
         hint: mount -o remount,rw {misc} on the machine; with a bind mount, leave out `:ro`\n"
    );
    for arguments in ["-s -- -p arm", "-- -r", "-s -- -t arm"] {
        place.register(arguments).fails(&error);
    }
    assert_eq!(place.register("-l").code, Some(0));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure_and_a_full_disk_is() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let mut command = place.command(&[env!("CARGO_BIN_EXE_register")]);
    let mut child = command.args(["-s", "--", "-p", "arm"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(names(misc), ["qemu-arm"], "what was asked for is done all the same");
    let error = "error: cannot write the output: No space left on device (os error 28)\n";
    place.register_to_a_full_disk(&["-l"]).fails(error);
}

/// A kernel that executes nothing from memory; the setting is the pid namespace's.
const NO_MEMORY_FILES: &str = "echo 2 > /proc/sys/vm/memfd_noexec";

/// Runs a shell's script in mount and process namespaces of its own.
fn scripted(place: &Place, script: &str) -> place::Printed {
    let mut command = place.command(&["unshare", "-m", "-p", "--fork", "--mount-proc", "sh", "-c", script]);
    place.printed(command.output().unwrap())
}

/// Registers an interpreter that is a shell's script; its first argument is the program.
fn put_script(misc: &Path, place: &Place, script: &str) {
    let path = place.path("script");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    enter(misc, "script", &path, "");
}

#[test]
fn programs_run_from_memory_or_from_a_file_or_are_not_tried() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &[]) else { return };
    // An interpreter takes its time before it opens the program.
    put_script(misc, &place, "sleep 0.2; [ -r \"$1\" ] && exit 42; echo \"$1 is gone\" >&2; exit 1");
    let (register, files) = (env!("CARGO_BIN_EXE_register"), place.folder("tmp"));
    let runs = "arm runs under an interpreter that is no QEMU\n1 of 1 targets run\n";
    place.register("--check arm").prints(runs);
    system(&format!("mount -t tmpfs none {}", files.display()));
    let on_disk = format!("{NO_MEMORY_FILES} && TMPDIR={} exec {register} --check arm", files.display());
    scripted(&place, &on_disk).prints(runs);
    assert_eq!(fs::read_dir(&files).unwrap().count(), 0, "nothing is left there");
    // Without /proc there is no way to a memory file.
    let elsewhere = place.folder("misc");
    let no_proc = |tmp: &str| {
        format!(
            "mount --bind {} {misc} && mount -t tmpfs none /proc && TMPDIR={tmp} exec {register} --mount {misc} --check arm",
            misc.display(),
            misc = elsewhere.display(),
        )
    };
    scripted(&place, &no_proc(files.to_str().unwrap())).prints(runs);
    scripted(&place, &no_proc("/nowhere")).check(
        1,
        "0 of 1 targets run\n",
        "error: arm was not tried: /proc is not mounted here, and there is no place for a program in /nowhere: No such \
         file or directory (os error 2)\n",
    );
    // Nor is /dev/null needed.
    scripted(&place, &format!("mount -t tmpfs none /dev && exec {register} --check arm")).prints(runs);

    system(&format!("mount -o remount,noexec {}", files.display()));
    scripted(&place, &on_disk).check(
        1,
        "0 of 1 targets run\n",
        "error: arm was not tried: DIR/tmp is on a file system mounted noexec\n",
    );
}

#[test]
fn a_process_that_may_open_no_more_files_says_nothing_about_interpreters() {
    let Some((_, place)) = Place::alone(private::test_name!(), &["arm", "i386"]) else { return };
    assert_eq!(place.register("-s -- -p arm").code, Some(0));
    let register = env!("CARGO_BIN_EXE_register");
    // What the tests were started with may be open as well.
    let closed: String = (3..10).map(|open| format!("exec {open}>&-; ")).collect();
    let few =
        |arguments: &str| scripted(&place, &format!("{closed}ulimit -n 6; exec {register} {arguments}"));
    let untried = "no program can be started now: Too many open files (os error 24)";
    few("--check arm").check(1, "0 of 1 targets run\n", &format!("error: arm was not tried: {untried}\n"));
    // The family is then taken to run by itself, as where no program may be run.
    let printed = few("-s -- -p i386");
    assert_eq!(printed.out, "Skipping i386: this machine (x86_64) runs these by itself\n", "{}", printed.err);
}

#[test]
fn interpreters_are_run_without_capabilities() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &[]) else { return };
    let script = "while read -r key value; do case $key in CapPrm:|NoNewPrivs:) found=\"$found $key $value\";; esac; done \
                  < /proc/$$/status; echo $found; exit 1";
    put_script(misc, &place, script);
    let rights = "it exited with 1 instead of 42: NoNewPrivs: 1 CapPrm: 0000000000000000";
    let listed = place.register("-l").out;
    let fields: Vec<&str> = listed.lines().last().unwrap().split("  ").collect();
    let rights_of = |field: &str| {
        // The order in the file differs between kernels.
        let mut words: Vec<String> = field.split(' ').map(str::to_owned).collect();
        words.sort();
        words
    };
    let told = fields.last().unwrap().trim();
    assert_eq!(rights_of(told), rights_of(&format!("no: {rights}")), "{listed}");
}

#[test]
fn without_proc_it_is_not_the_kernel_that_lacks_something() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let register = env!("CARGO_BIN_EXE_register");
    scripted(&place, &format!("mount -t tmpfs none /proc && exec {register} -s -- -p arm")).fails(
        "error: /proc is not mounted here, or only in part, so there is no /proc/sys/fs/binfmt_misc\n\
         hint: mount it: mount -t proc proc /proc; or bind the machine's binfmt_misc in at another path, and name that \
         with --mount\n",
    );
    assert_eq!(names(misc), [""; 0]);
}
