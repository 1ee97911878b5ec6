//! Building `register` on a machine that lacks something: one message names it, with how to get it, and nothing is left half
//! done. Each lack is real: a PATH of the test's own, a rustup without toolchains, namespaces without a network, a small disk.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::line::{Line, SOURCES, dress, link};
use debian::testing::small as archive;
use debian::testing::{Archive, Deb, Suite};

const IMAGES: [&str; 5] = ["images", "--kind", "register", "--host", "amd64"];

/// A workspace with the sources of `register`, and a PATH of its own.
struct Machine {
    line: Line,
}

impl Machine {
    /// With these programs.
    fn new(programs: &[&str]) -> Machine {
        let line = Line::new(&["amd64"], &Archive::new(1).suite(suite()).build());
        line.run(&["lock"]).success();
        // What the program is linked with: nothing here comes as far as that.
        line.run(&["lock", "--libc"]).success();
        fs::remove_file(line.path("xtask/Cargo.toml")).unwrap();
        link(&line.path(""), &SOURCES);
        link(&line.path(""), &["xtask/Cargo.toml", "xtask/tests"]);
        fs::create_dir(line.path("bin")).unwrap();
        for name in programs {
            symlink(real(name), line.path("bin").join(name)).unwrap();
        }
        Machine { line }
    }

    /// Builds the image, with these variables, in a shell that runs `before` in namespaces with these options; gives what is
    /// reported in the end.
    fn build(&self, variables: &[(&str, &str)], namespaces: &[&str], before: &str) -> String {
        let build = self.line.command(&IMAGES, variables);
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user"]).args(namespaces);
        let script = format!("{before}\nexport PATH=\"$PWD/bin\"\nexec \"$@\"");
        command.args(["sh", "-euc", &script, "sh"]);
        command.arg(build.get_program()).args(build.get_args());
        dress(&mut command, &build);
        // The workspace's rust-toolchain.toml counts.
        let output = command.env_remove("RUSTUP_TOOLCHAIN").output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        // Nothing is there that a later run could take for done.
        assert!(!self.line.path("target/images/index.json").exists(), "{stderr}");
        let kept = fs::read_dir(self.line.path("cache/register")).into_iter().flatten().flatten();
        let kept: Vec<_> = kept.flat_map(|folder| fs::read_dir(folder.path()).unwrap()).collect();
        assert!(kept.is_empty(), "{kept:?}");
        let report = stderr.find("error: ").unwrap_or_else(|| panic!("{stderr}"));
        stderr[report..].to_owned()
    }
}

/// Everything that the images of one host are made of.
fn suite() -> Suite {
    let host = "amd64".parse().unwrap();
    let qemu = archive::qemu("1:11.1.3+ds-1", host, |_| archive::APPLETS.into());
    let files = ["libc.a", "crt1.o", "crti.o", "crtn.o"];
    let musl = files.iter().fold(Deb::new("musl-dev", "1.2.5-3", "amd64"), |deb, name| {
        deb.file(&format!("usr/lib/x86_64-linux-musl/{name}"), b"!<arch>\n")
    });
    Suite::new("unstable", "sid").package(qemu).package(archive::busybox(host)).package(musl)
}

/// The path of a program on the machine.
fn real(name: &str) -> String {
    let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

/// `report` is these two lines, the first of them up to what the program that failed says in its own words.
#[track_caller]
fn check(report: &str, error: &str, hint: &str) {
    let (first, second) = report.trim_end().split_once('\n').unwrap_or((report, ""));
    assert!(first.starts_with(error) && first.len() > error.len(), "{report}");
    assert_eq!(second, hint);
}

#[test]
fn no_rust() {
    check(
        &Machine::new(&[]).build(&[], &[], ""),
        "error: there is no rustup: cannot run `rustc`: No such file or directory (os error 2",
        "hint: install it: https://rustup.rs; it brings the Rust that rust-toolchain.toml names",
    );
}

#[test]
fn no_toolchain_and_no_network_to_get_it() {
    let machine = Machine::new(&["cargo", "rustc", "rustup"]);
    fs::create_dir(machine.line.path("rustup")).unwrap();
    let rustup = machine.line.path("rustup");
    let rustup = ("RUSTUP_HOME", rustup.to_str().unwrap());
    check(
        &machine.build(&[rustup, ("RUSTUP_AUTO_INSTALL", "0")], &[], ""),
        "error: rustup does not have the Rust that rust-toolchain.toml names: error: toolchain '1.",
        "hint: `rustup toolchain install` gets it; if RUSTUP_DIST_SERVER names a mirror, that has to have it",
    );
    let build = machine.build(&[rustup, ("RUSTUP_AUTO_INSTALL", "1")], &["--net"], "");
    check(
        &build,
        "error: the network does not lead there: error: could not download file from 'https://",
        "hint: connect the machine, or name what stands in: HTTPS_PROXY, RUSTUP_DIST_SERVER, cargo's source replacement",
    );
}

#[test]
fn no_compiler() {
    check(
        &Machine::new(&["cargo", "rustc", "rustup", "sh"]).build(&[], &[], ""),
        "error: cannot build `register` and `run`: there is no C compiler: error: linker `cc` not foun",
        "hint: install one: gcc and libc6-dev on Debian and Ubuntu, gcc on Fedora, gcc and musl-dev on Alpine",
    );
}

#[test]
fn no_room() {
    let machine = Machine::new(&["cargo", "rustc", "rustup", "cc", "as", "ld", "sh"]);
    fs::create_dir_all(machine.line.path("target/cross")).unwrap();
    check(
        &machine.build(&[], &["--mount"], "mount -t tmpfs -o size=4m none target/cross"),
        "error: cannot build `register` and `run`: the disk is full: ",
        "hint: make room (`cargo xtask cache` shows what the cache takes, `cargo clean` removes `target`); \
         what is finished stays, and the next run goes on",
    );
}
