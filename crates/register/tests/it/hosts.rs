//! `register` as it ships, for each host, run under that host's QEMU: it says the same everywhere, and does its work.

use std::path::{Path, PathBuf};
use std::process::Command;

use arch::{Host, Status, Target};

use crate::private;

const NAME: &str = "hosts::every_hosts_register_runs_and_registers";

/// The folder with one `register` for each host, under the host's name.
const REGISTER_DIR: &str = "QUS_TEST_REGISTER_DIR";
/// The folder with Debian's `qemu-user` unpacked.
const QEMU_DIR: &str = "QUS_TEST_QEMU_DIR";

/// One host's `register`, and how to run it here.
struct Built<'a> {
    host: Host,
    register: PathBuf,
    bin: &'a Path,
}

impl Built<'_> {
    fn run(&self, arguments: &str) -> String {
        let native = self.host.target().name() == std::env::consts::ARCH;
        let mut command = if native {
            Command::new(&self.register)
        } else {
            let mut command = Command::new(self.bin.join(format!("qemu-{}", self.host.target())));
            command.arg(&self.register);
            command
        };
        command.env("QEMU_BIN_DIR", self.bin).args(arguments.split_whitespace());
        let output = command.output().unwrap();
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{}: register {arguments}\n{out}{err}", self.host);
        out
    }
}

#[test]
fn every_hosts_register_runs_and_registers() {
    let (Some(registers), Some(qemu)) = (std::env::var_os(REGISTER_DIR), std::env::var_os(QEMU_DIR)) else {
        return private::skip(NAME, "QUS_TEST_REGISTER_DIR and QUS_TEST_QEMU_DIR do not name what to run");
    };
    let bin = Path::new(&qemu).join("usr/bin");
    let Some(_) = private::enter(NAME) else { return };
    let mut printed = Vec::new();
    for host in Host::all().filter(|host| host.triple().is_some()) {
        let built = Built { host, register: Path::new(&registers).join(host.name()), bin: &bin };
        assert!(built.register.metadata().unwrap().len() < 700_000, "{host}");
        // Neither is any host's own.
        printed.push((built.run("--help"), built.run("-n -- -p sparc,hppa"), built.run("--version")));

        // Neither this host's nor the real machine's programs need an entry; all the others do.
        let out = built.run("-- -p");
        let set = out.lines().filter(|line| line.starts_with("Setting ")).count();
        let all = Target::all().filter(|target| target.status() != Status::Retired).count();
        assert!(
            set >= all - 5 && out.ends_with(&format!("; {set} of {set} proved by running\n")),
            "{host}\n{out}"
        );
        assert_eq!(built.run("--list").matches(" yes\n").count(), set, "{host}");
        assert_eq!(built.run("-- -r").lines().count(), set, "{host}");
    }
    assert_eq!(printed.len(), 9);
    assert!(printed.iter().all(|other| *other == printed[0]), "{printed:?}");
}
