//! The first steps of a user.

use crate::stand::{SHELL, Stand, TRACE};

#[test]
fn foreign_and_native_programs_mix() {
    let stand = Stand::new();
    let own = stand.run("uname -m", &[]).out;
    let script = "uname -m; ./busybox-s390x uname -m; /bin/uname -m; sh -c './busybox-s390x sh -c \"./busybox-aarch64 uname -m\"'; exit 7";
    stand.sh(script).check(7, &format!("aarch64\ns390x\n{own}aarch64\n"), "");
    let script = "./busybox-aarch64 uname -m; exec ./busybox-s390x uname -m";
    stand.run("sh -c", &[script]).check(0, "aarch64\ns390x\n", "");
}

#[test]
fn without_any_right() {
    let stand = Stand::new();
    // A user namespace without a map: nobody, with no capability and no way to one.
    let script = "./busybox-s390x uname -m; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status";
    let ended = stand.end(&format!("unshare -U {SHELL}"), &[script]);
    ended.check(0, "s390x\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n", "");
}

/// The rights of root in a container: every one but those that would let it attach to other users' processes.
#[test]
fn a_program_that_has_changed_its_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stand = Stand::new();
    // setpriv keeps its capabilities over the change. The new user may not execute one of the programs.
    let script = "setpriv --reuid=1000 --regid=1000 --clear-groups ./busybox-aarch64 sh -c \
                  'id -u; ./busybox-s390x id -g; ./secret 2>&1'; ./busybox-s390x id -u";
    let secret = stand.put_busybox("secret", "aarch64");
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let line = "setpriv --bounding-set=-sys_ptrace,-sys_admin --inh-caps=-all ./run --mode trace sh -c";
    let ended = stand.end(line, &[script]);
    ended.check(0, "1000\n1000\nsh: ./secret: Permission denied\n0\n", "");
}

#[test]
fn every_exec_is_reported_on_request() {
    let stand = Stand::new();
    let script = "./busybox-s390x true; /bin/true; ./none 2>&-";
    let ended = stand.run("-v -- ./busybox-aarch64 sh -c", &[script]);
    let lines: Vec<String> = ended
        .err
        .lines()
        .map(|line| line.chars().filter(|c| !c.is_ascii_digit()).collect::<String>())
        .collect();
    assert_eq!(
        lines,
        [
            "run: mode trace",
            "run: : ./busybox-aarch: qemu-aarch -cpu neoverse-n",
            "run: : ./busybox-sx: qemu-sx",
            "run: : /bin/true: left to the kernel",
            "run: : ./none: left to the kernel",
        ]
    );
}

#[test]
fn descriptors_and_environment_are_the_programs_own() {
    let stand = Stand::new();
    let qemu = std::fs::read(stand.path("bin/qemu-aarch64-static")).unwrap();
    let expected = descriptors_without(&stand, &qemu);
    assert!(expected.lines().count() >= 4, "{expected}");
    stand.run("./busybox-aarch64 ls /proc/self/fd", &[]).check(0, &expected, "");
    stand.run("./busybox-aarch64 env -i A=1 ./busybox-s390x env", &[]).check(0, "A=1\n", "");
}

#[test]
fn a_root_file_system_and_one_in_it() {
    let stand = Stand::new();
    for path in
        ["root/bin/sh", "root/bin/uname", "root/inner/bin/sh", "root/inner/bin/uname", "root/bin/chroot"]
    {
        stand.put_busybox(path, "aarch64");
    }
    stand.put_busybox("root/inner/bin/busybox", "s390x");
    // No /proc, and no QEMU in it.
    let script = "/bin/uname -m; cd /inner; bin/uname -m; /bin/chroot /inner /bin/sh -c '/bin/uname -m; /bin/busybox uname -m'";
    let expected = "aarch64\naarch64\naarch64\ns390x\n";
    let unshare = if rustix::process::geteuid().is_root() { "" } else { "unshare -r" };
    let line = format!("{unshare} {TRACE} --root root /bin/sh -c");
    stand.end(&line, &[script]).check(0, expected, "");
    // The same from a native program, which changes the root by itself.
    let line = format!("unshare -r {TRACE} ./busybox-aarch64 chroot root /bin/sh -c");
    stand.end(&line, &[script]).check(0, expected, "");
}

/// The descriptors that `ls` finds under a QEMU that it was started with by hand.
fn descriptors_without(stand: &Stand, qemu: &[u8]) -> String {
    stand.put("plain", qemu);
    stand.end("./plain ./busybox-aarch64 ls /proc/self/fd", &[]).out
}

#[test]
fn one_file_with_its_qemu() {
    let stand = Stand::new();
    let (program, qemu) = (std::fs::read(stand.path("run")).unwrap(), stand.path("bin/qemu-aarch64-static"));
    let qemu = std::fs::read(qemu).unwrap();
    let trailer = exec::Trailer {
        offset: program.len() as u64,
        length: qemu.len() as u64,
        target: "aarch64".parse().unwrap(),
    };
    let whole = [program.as_slice(), &qemu, &trailer.to_bytes()].concat();
    std::fs::remove_dir_all(stand.path("bin")).unwrap();
    stand.put("alone/qus-run-aarch64", &whole);
    // The other mode would be found out by a kernel that has it registered.
    let line = "alone/qus-run-aarch64 --mode trace ./busybox-aarch64 sh -c";
    let script = "uname -m; ./busybox-aarch64 uname -m; /bin/true && exec ls /proc/self/fd";
    // 3 is the folder that `ls` reads, and 4 is QEMU's own.
    let fds = descriptors_without(&stand, &qemu);
    let expected = format!("aarch64\naarch64\n{fds}");
    stand.end(line, &[script]).check(0, &expected, "");
    // Under BuildKit's names there are no options.
    for name in ["alone/buildkit-qemu-aarch64", "alone/.buildkit_qemu_emulator"] {
        stand.put(name, &whole);
        let script = "./busybox-aarch64 uname -m";
        stand.end(&format!("{name} /bin/sh -c"), &[script]).check(0, "aarch64\n", "");
    }
}
