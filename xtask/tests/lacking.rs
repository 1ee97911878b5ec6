//! Building `register` on a machine that lacks something: one message names it, with how to get it, and nothing is left half
//! done. Each lack is real: a PATH of the test's own, namespaces without a network, a small disk.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod line;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use debian::testing::{Archive, Deb, Suite, elf};
use line::Line;

const IMAGES: [&str; 5] = ["images", "--kind", "register", "--host", "amd64"];

/// A workspace with the sources of `register`, and a PATH with Rust alone.
struct Machine {
    line: Line,
}

impl Machine {
    fn new() -> Machine {
        let busybox = Deb::new("busybox-static", "1:1.38.0-3", "amd64");
        let program = elf(arch::Host::native().unwrap().elf(), b"\0[\0[[\0ash\0busybox\0cat\0sh\0\0");
        let mut qemu = Deb::new("qemu-user", "1:11.1.3+ds-1", "amd64");
        for target in arch::Target::current() {
            qemu = qemu.file(&format!("usr/bin/qemu-{target}"), &program);
        }
        let sid = Suite::new("unstable", "sid").package(qemu);
        let sid = sid.package(busybox.file("usr/bin/busybox", &program));
        let line = Line::new(&["amd64"], &Archive::new(1).suite(sid).build());
        line.run(&["lock"]).success();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
        fs::remove_file(line.path("xtask/Cargo.toml")).unwrap();
        for source in
            ["Cargo.lock", "Cargo.toml", "rust-toolchain.toml", "crates", "xtask/Cargo.toml", "xtask/src"]
        {
            symlink(ours.join(source), line.path(source)).unwrap();
        }
        let machine = Machine { line };
        fs::create_dir(machine.line.path("bin")).unwrap();
        for name in ["cargo", "rustc", "rustup"] {
            machine.has(name);
        }
        machine
    }

    /// Links a program of the real machine into the PATH.
    fn has(&self, name: &str) {
        symlink(real(name), self.line.path("bin").join(name)).unwrap();
    }

    fn has_script(&self, name: &str, script: &str) {
        let path = self.line.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Gives it the cross linker that `cargo xtask test` has installed; `false` where that did not run.
    fn lend_linker(&self) -> bool {
        let Some(register) = std::env::var_os("QUS_TEST_REGISTER_DIR") else { return false };
        let cross = Path::new(&register).ancestors().nth(2).unwrap().join("cross");
        symlink(cross, self.line.path("cache/cross")).unwrap();
        true
    }

    /// Builds the images, in a shell in namespaces with these options that first runs `before`; what is reported in the end.
    fn build(&self, namespaces: &[&str], before: &str) -> String {
        let path = self.line.path("bin");
        let variables = [("PATH", path.to_str().unwrap()), ("PIP_RETRIES", "1"), ("LC_ALL", "C")];
        let build = self.line.command(&IMAGES, &variables);
        let mut command = Command::new(real("unshare"));
        command.args(["--user", "--map-root-user"]).args(namespaces);
        command.args(["/bin/sh", "-euc", &format!("{before}\nexec \"$@\""), "sh"]);
        command.arg(build.get_program()).args(build.get_args()).current_dir(self.line.path(""));
        command.envs(build.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        // Nothing that a later run could take for done.
        assert!(!self.line.path("target/images/index.json").exists(), "{stderr}");
        let kept = fs::read_dir(self.line.path("cache/register")).into_iter().flatten().flatten();
        let kept: Vec<_> = kept.flat_map(|folder| fs::read_dir(folder.path()).unwrap()).collect();
        assert!(kept.is_empty(), "{kept:?}");
        let (_, report) = stderr.rsplit_once("error: cannot ").unwrap_or_else(|| panic!("{stderr}"));
        format!("cannot {report}")
    }
}

/// Where the machine has a program.
fn real(name: &str) -> String {
    let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

fn python() -> String {
    let found = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

#[test]
fn no_python() {
    assert_eq!(
        Machine::new().build(&[], ""),
        "cannot install the cross linker: there is no Python 3: cannot run `python3`: No such file or directory (os error 2)\n\
         hint: install it with pip: python3-pip on Debian, Ubuntu and Fedora, py3-pip on Alpine\n"
    );
}

#[test]
fn no_pip() {
    let machine = Machine::new();
    // Without what was installed beside Python itself.
    machine.has_script("python3", &format!("exec {} -S \"$@\"", python()));
    assert_eq!(
        machine.build(&[], ""),
        format!(
            "cannot install the cross linker: Python has no pip: {}: No module named pip\n\
             hint: install it: python3-pip on Debian, Ubuntu and Fedora, py3-pip on Alpine\n",
            python()
        )
    );
}

#[test]
fn no_network() {
    let machine = Machine::new();
    machine.has_script("python3", &format!("exec {} \"$@\"", python()));
    // The archive is on loopback, which such a namespace has, but switched off: it is in the cache from here on.
    let report = machine.build(&["--net"], "");
    let begin = "cannot install the cross linker: the network does not lead there: WARNING: Retrying ";
    let end = "\nhint: connect the machine, or name what stands in: HTTPS_PROXY, RUSTUP_DIST_SERVER, PIP_INDEX_URL, \
               cargo's source replacement\n";
    assert!(report.starts_with(begin) && report.ends_with(end) && report.lines().count() == 2, "{report}");
}

#[test]
fn no_compiler() {
    let machine = Machine::new();
    if !machine.lend_linker() {
        return testbed::skip("no_compiler", "QUS_TEST_REGISTER_DIR names no folder");
    }
    assert_eq!(
        machine.build(&[], ""),
        "cannot build `register`: there is no C compiler: error: linker `cc` not found\n\
         hint: install one: gcc and libc6-dev on Debian and Ubuntu, gcc on Fedora, gcc and musl-dev on Alpine\n"
    );
}

#[test]
fn no_room() {
    let machine = Machine::new();
    if !machine.lend_linker() {
        return testbed::skip("no_room", "QUS_TEST_REGISTER_DIR names no folder");
    }
    for name in ["cc", "as", "ld"] {
        machine.has(name);
    }
    fs::create_dir_all(machine.line.path("target/cross")).unwrap();
    let report =
        machine.build(&["--mount"], &format!("{} -t tmpfs -o size=8m none target/cross", real("mount")));
    let end = "\nhint: make room (`cargo xtask cache` shows what the cache takes, `cargo clean` removes `target`); \
               what is finished stays, and the next run goes on\n";
    let begin = "cannot build `register`: the disk is full: ";
    assert!(report.starts_with(begin) && report.ends_with(end) && report.lines().count() == 2, "{report}");
}
