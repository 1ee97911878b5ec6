//! The other things that `register` can be: tonistiigi/binfmt, a writer of files for each boot, a shell.

// The expected texts name the machine.
#![cfg(target_arch = "x86_64")]

use std::fs;

use crate::place::{LIFETIME, Place, names};
use crate::private;

/// The members of an array in the JSON that `binfmt` prints.
fn members(json: &str, key: &str) -> Vec<String> {
    let (_, rest) = json.split_once(&format!("\"{key}\": [")).unwrap();
    let (array, _) = rest.split_once(']').unwrap();
    array.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn binfmt_installs_uninstalls_and_prints_its_json() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["aarch64", "arm", "sparc"]) else {
        return;
    };
    let empty = place.called("binfmt", "").ends(0, "");
    assert_eq!(members(&empty.out, "emulators"), [""; 0]);
    assert_eq!(members(&empty.out, "supported")[0], "linux/amd64");

    let log =
        "installing: arm64 OK\ninstalling: arm OK\ninstalling: amd64 OK (this machine runs it by itself)\n";
    let all = place.called("binfmt", "--install arm64,linux/arm/v7,amd64");
    let printed = all.ends(0, &format!("{LIFETIME}{log}"));
    assert_eq!(members(&printed.out, "emulators"), ["qemu-aarch64", "qemu-arm"]);
    let supported = members(&printed.out, "supported");
    for platform in ["linux/amd64", "linux/arm64", "linux/386", "linux/arm/v7", "linux/arm/v6"] {
        assert!(supported.iter().any(|name| name == platform), "{platform}: {supported:?}");
    }
    assert!(!supported.iter().any(|name| name == "linux/riscv64"));
    assert!(fs::read_to_string(misc.join("qemu-arm")).unwrap().contains("\nflags: POCF\n"));

    // Again, and all: what is there is fine, and what has no binary is not asked for.
    let log = "installing: arm64 OK\ninstalling: arm OK\ninstalling: sparc OK\n";
    let printed = place.called("binfmt", "-install all").ends(0, &format!("{LIFETIME}{log}"));
    assert_eq!(members(&printed.out, "emulators").len(), 3);

    place.called("binfmt", "--uninstall arm64").ends(0, "uninstalling: qemu-aarch64 OK\n");
    fs::write(misc.join("register"), ":qemu-me:M::me::/usr/bin/me:").unwrap();
    let log = "uninstalling: qemu-me is another tool's\nhint: --force removes it\n";
    place.called("binfmt", "--uninstall qemu-me").ends(1, log);
    // A pattern means what is there.
    let stays = "uninstalling: qemu-me stays: it is another tool's\n";
    place.called("binfmt", "--uninstall qemu-*").reports(0, stays);
    place.called("binfmt", "--uninstall qemu-a*").ends(0, "uninstalling: qemu-a* not found\n");
    assert_eq!(names(misc), ["qemu-me"]);
    assert_eq!(place.called("binfmt", "--force --uninstall=qemu-*").code, Some(0));
    assert_eq!(names(misc), [""; 0]);
}

#[test]
fn binfmt_fails_when_something_did() {
    let Some((_, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let log = "installing: arm OK\ninstalling: riscv64 cannot register riscv64: there is no BIN/qemu-riscv64-static\n";
    let printed = place.called("binfmt", "--install arm,riscv64").reports(1, log);
    assert_eq!(members(&printed.out, "emulators"), ["qemu-arm"]);
    place.called("binfmt", "--install vax").reports(1, "error: unknown target `vax`\n");
    place.called("binfmt", "--uninstall s390x").ends(1, "uninstalling: qemu-s390x not found\n");
    place.register_with(&[("QEMU_BINARY_PREFIX", "buildkit-")], "--install arm").fails(
        "error: cannot use QEMU_BINARY_PREFIX (buildkit-)\n\
         hint: the binaries here are called qemu-TARGET; unset it\n",
    );
    let place = Place::with(&[]);
    assert_eq!(place.called("binfmt", "--install all").code, Some(1));
}

#[test]
fn binfmt_tells_its_qemus_version() {
    let place = Place::with(&["arm"]);
    place.put("s390x", "9.2.4");
    let own = env!("CARGO_PKG_VERSION");
    place.called("binfmt", "--version").prints(&format!("binfmt/{own} qemu/v11.1.3\n"));
    Place::with(&[]).called("binfmt", "-version").prints(&format!("binfmt/{own} qemu/none\n"));
    assert!(place.called("binfmt", "-h").out.starts_with("Usage: binfmt "));
}

#[test]
fn both_faces_know_what_the_kernel_and_the_machine_cannot_do() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm"]) else { return };
    let register = env!("CARGO_BIN_EXE_register");
    // The kernel's own way to say that it is Linux 2.6 (personality(2), UNAME26).
    let old = ["setarch", "x86_64", "--uname-2.6", register];
    for arguments in ["-s -- -p arm", "--install arm"] {
        place.run(&old, arguments).fails(
            "error: cannot register persistently: the flag F came with Linux 4.8, and this is Linux 2.6\n\
             hint: use `register` without -p, and have each container hold its QEMU binary under the registered path\n",
        );
        assert_eq!(names(misc), [""; 0], "{arguments}");
    }
    // The file that shows an emulated program what is beneath it.
    fs::write(place.path("arch"), "aarch64\n").unwrap();
    let script = format!(
        "mount --bind {} /proc/sys/kernel/arch && exec {register} \"$@\"",
        place.path("arch").display()
    );
    let emulated = ["unshare", "-m", "sh", "-c", &script, "sh"];
    let warning = "warning: this program is itself emulated: it is for x86_64, and this machine is aarch64\n\
                   hint: use the image and the QEMU binaries for aarch64 hosts\n";
    for arguments in ["-s -- -p arm", "--install arm"] {
        place.run(&emulated, arguments).reports(0, warning);
    }
}

#[test]
fn systemds_files_hold_lines_that_the_kernel_takes() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["arm", "sparc"]) else { return };
    let dir = place.path("binfmt.d");
    let arguments = format!("-s -- -p --systemd arm sparc x86_64 --exportdir {}", dir.display());
    place.register(&arguments).fails(
        "error: cannot write to DIR/binfmt.d: there is no such folder\n\
         hint: mkdir -p DIR/binfmt.d, or name another with --exportdir\n",
    );
    fs::create_dir(&dir).unwrap();
    // x86_64 is passed over here too.
    place.register(&arguments).prints(
        "Skipping x86_64: this machine (x86_64) runs these by itself\n\
         Setting BIN/qemu-arm-static as binfmt interpreter for arm for systemd-binfmt.service\n\
         Setting BIN/qemu-sparc-static as binfmt interpreter for sparc for systemd-binfmt.service\n",
    );
    assert_eq!(names(misc), [""; 0]);
    assert_eq!(names(&dir), ["qemu-arm.conf", "qemu-sparc.conf"]);
    fs::write(dir.join("qemu-alpha.conf"), "# somebody else's\n").unwrap();
    let remove = format!("-- -r -s -e {}", dir.display());
    let removed = "DIR/binfmt.d/qemu-arm.conf\nVERB DIR/binfmt.d/qemu-sparc.conf\n";
    let printed = |verb: &str| format!("{verb} {}", removed.replace("VERB", verb));
    place.register(&format!("-n {remove}")).prints(&printed("Would remove"));
    let line = fs::read(dir.join("qemu-arm.conf")).unwrap();
    place.register(&remove).prints(&printed("Removing"));
    place.register(&remove).check(0, "", "note: there is none of this program's files in DIR/binfmt.d\n");
    assert_eq!(names(&dir), ["qemu-alpha.conf"]);
    fs::write(misc.join("register"), &line).unwrap();
    let written = fs::read_to_string(misc.join("qemu-arm")).unwrap();
    place.register("-- -r");
    place.register("-s -- -p arm");
    assert_eq!(fs::read_to_string(misc.join("qemu-arm")).unwrap(), written);
}

#[test]
fn debians_files_are_what_update_binfmts_imports() {
    let place = Place::with(&["arm"]);
    let dir = place.folder("binfmts");
    let variables =
        [("EXPORTDIR", dir.to_str().unwrap()), ("HOST_ARCH", "ppc64le"), ("QEMU_CREDENTIAL", "yes")];
    place.register_with(&variables, "-s -- -d arm i386").check(
        0,
        "Setting BIN/qemu-arm-static as binfmt interpreter for arm for update-binfmts\n\
         Setting BIN/qemu-i386-static as binfmt interpreter for i386 for update-binfmts\n",
        "warning: with -c, set-user-ID programs of these targets run with their owner's rights, as sudo needs; so whoever \
         can bring such a program owned by root, in an image for instance, becomes root through QEMU\n",
    );
    let magic = "\\x7f\\x45\\x4c\\x46\\x01\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x28\\x00";
    let mask = "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff";
    assert_eq!(
        fs::read_to_string(dir.join("qemu-arm")).unwrap(),
        format!(
            "package qemu-arm\ninterpreter {}\nmagic {magic}\nmask {mask}\ncredentials yes\npreserve no\nfix_binary no\n",
            place.qemu("arm").display()
        )
    );
}

#[test]
fn a_shell_runs_a_command_with_its_arguments_intact() {
    let place = Place::with(&[]);
    let run = |arguments: &[&str]| {
        let mut command = place.command(&[env!("CARGO_BIN_EXE_register"), "-i"]);
        place.printed(command.args(arguments).output().unwrap())
    };
    run(&["printf", "%s|", "a b", "$HOME", ""]).prints("a b|$HOME||");
    run(&["echo one; exit 7"]).check(7, "one\n", "");
    run(&["/nowhere/x"]).fails("error: cannot run /nowhere/x: No such file or directory (os error 2)\n");
}

#[test]
fn help_fits_a_terminal_and_tells_every_option() {
    let place = Place::with(&[]);
    let help = place.register("--help").ends(0, "");
    assert!(help.out.lines().all(|line| line.chars().count() <= 110), "{}", help.out);
    assert_eq!(place.register("-- -h").code, Some(1));
    assert_eq!(place.register("-- -h").out, help.out);
}
