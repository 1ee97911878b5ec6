//! `cargo xtask report`, where what it reads is not as it should be. What it writes is tested in the crate `report`.

use std::fs;
use std::process::Command;

use crate::line::Line;

fn report(folder: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["report", "--output", "."]).current_dir(folder);
    command
}

#[test]
fn a_layout_that_is_asked_for_must_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let output = report(dir.path()).args(["--layout", "typo"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: cannot take sizes from typo: there is no such directory\n\
         hint: `cargo xtask images` builds the layout target/images; without --layout, a report needs none\n"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let output = report(dir.path()).arg("--json").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
    for (name, start) in [("index.html", "<!doctype html>"), ("report.md", "# ")] {
        let text = fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(text.starts_with(start), "{name}: {text}");
    }
}

#[test]
fn times_that_cannot_be_read_are_reported_with_the_file() {
    let line = Line::locked(&["amd64"]);
    line.write(results::SPEEDS, "{}");
    let error = line.run(&["report"]).failure(1).stderr;
    let hint = "hint: `cargo xtask bench emulation` makes it; an older one is in the history\n";
    assert!(error.contains("benches/emulation.json") && error.contains("missing field `host`"), "{error}");
    assert!(error.ends_with(hint), "{error}");
}
