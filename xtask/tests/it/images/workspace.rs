//! A copied program works on the checkout around it.

use std::fs;
use std::process::{Command, Output};

use crate::line::Line;

/// A copy of the program, run in `folder` as a shell runs it.
fn run(line: &Line, folder: &str, args: &[&str]) -> Output {
    let copy = line.path("moved/xtask");
    if !copy.exists() {
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        testbed::write_program(&copy, &fs::read(env!("CARGO_BIN_EXE_xtask")).unwrap()).unwrap();
    }
    let mut command = Command::new(copy);
    command.args(args).current_dir(line.path(folder)).env_remove("CARGO_MANIFEST_DIR");
    command.env("QUS_CACHE_DIR", line.path("cache")).env_remove("QUS_MIRROR").output().unwrap()
}

#[test]
fn the_workspace_is_the_one_around_the_current_directory() {
    let line = Line::locked(&["mipsel"]);
    for folder in ["", "images/keyrings", "xtask"] {
        let dry = run(&line, folder, &["images", "--dry-run", "--offline"]);
        let stdout = String::from_utf8(dry.stdout).unwrap();
        assert!(dry.status.success(), "{}", String::from_utf8_lossy(&dry.stderr));
        assert!(stdout.contains("\n  mipsel: "), "{stdout}");
        assert!(!stdout.contains("amd64"), "{stdout}");
    }
}

#[test]
fn outside_of_a_workspace_nothing_is_done() {
    let line = Line::locked(&["mipsel"]);
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), line.path("elsewhere")).unwrap();
    let failed = run(&line, "elsewhere", &["images"]);
    assert_eq!(failed.status.code(), Some(1));
    let expected = format!(
        "error: {} is not in qus's workspace\nhint: run `cargo xtask` inside a clone of the repository\n",
        elsewhere.path().canonicalize().unwrap().display()
    );
    assert_eq!(String::from_utf8(failed.stderr).unwrap(), expected);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
