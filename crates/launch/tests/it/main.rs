//! `cargo xtask` on a workspace whose `xtask` takes its time to compile.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The time that a reader of a log may have to wait: five seconds, and three for a machine that is busy with other tests. What
/// is waited for takes longer than that.
const PATIENCE: Duration = Duration::from_secs(8);

/// A workspace with an `xtask` that prints its arguments, and whose build script sleeps.
fn workspace(seconds: u64, main: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let build = format!("fn main() {{ std::thread::sleep(std::time::Duration::from_secs({seconds})) }}");
    for (path, text) in [
        ("Cargo.toml", "[workspace]\nmembers = [\"xtask\"]\nresolver = \"3\"\n"),
        ("xtask/Cargo.toml", "[package]\nname = \"xtask\"\nedition = \"2024\"\n"),
        ("xtask/build.rs", &build),
        ("xtask/src/main.rs", main),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir_all(folder.path().join("crates/launch")).unwrap();
    folder
}

const PRINTS: &str =
    "fn main() { println!(\"{:?}\", std::env::args().skip(1).collect::<Vec<_>>()); std::process::exit(7) }";

fn launch(workspace: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_launch"));
    command
        .args(arguments)
        .env("CARGO", env!("CARGO"))
        .env("CARGO_MANIFEST_DIR", workspace.join("crates/launch"))
        .env("CARGO_TARGET_DIR", workspace.join("target"))
        .env("CARGO_NET_OFFLINE", "true");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_log_has_a_line_every_five_seconds_while_one_crate_compiles() {
    let workspace = workspace(11, PRINTS);
    let mut command = launch(workspace.path(), &["images", "a b", "--"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut last, mut printed) = (Instant::now(), Vec::new());
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        printed.push(line.unwrap());
        assert!(last.elapsed() <= PATIENCE, "{:?} before the last of {printed:#?}", last.elapsed());
        last = Instant::now();
    }
    let signs = printed.iter().filter(|line| line.starts_with("still compiling: 1 part in ")).count();
    assert!(signs >= 2, "{printed:#?}");
    // What cargo prints is there as well, and then the program itself takes over.
    assert!(printed.iter().any(|line| line.contains("Compiling xtask")), "{printed:#?}");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*text(&output.stdout)), (Some(7), "[\"images\", \"a b\", \"--\"]\n"));

    // A second time there is nothing to wait for.
    let Output { status, stdout, stderr } = launch(workspace.path(), &["lock"]).output().unwrap();
    assert_eq!((status.code(), &*text(&stdout)), (Some(7), "[\"lock\"]\n"));
    let stderr = text(&stderr);
    // Another cargo may be at work on this machine.
    let mut lines = stderr.lines().filter(|line| !line.contains("Blocking waiting for file lock"));
    assert!(lines.next().is_some_and(|line| line.contains("Finished")) && lines.next().is_none(), "{stderr}");
    let quiet = launch(workspace.path(), &["lock", "--quiet"]).output().unwrap();
    assert_eq!(
        (text(&quiet.stdout), text(&quiet.stderr)),
        ("[\"lock\", \"--quiet\"]\n".into(), String::new())
    );
}

#[test]
fn what_does_not_compile_ends_as_cargo_does() {
    let workspace = workspace(0, "fn main() { x }");
    let failed = launch(workspace.path(), &["images"]).output().unwrap();
    assert_eq!((failed.status.code(), failed.stdout), (Some(101), Vec::new()));
    let stderr = text(&failed.stderr);
    assert!(
        stderr.contains("cannot find value `x`") && stderr.contains("could not compile `xtask`"),
        "{stderr}"
    );
}

#[test]
fn only_cargo_starts_it() {
    let alone = Command::new(env!("CARGO_BIN_EXE_launch")).env_remove("CARGO_MANIFEST_DIR").output().unwrap();
    assert_eq!(alone.status.code(), Some(1));
    assert_eq!(text(&alone.stderr), "error: only `cargo xtask` starts this program\n");
}
