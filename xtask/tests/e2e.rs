//! `cargo xtask e2e` itself: the jobs that are quick, and that a job which should fail does.
//!
//! CI runs every job after the tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod layout;

use std::path::Path;
use std::process::{Command, Output};

/// Runs `cargo xtask e2e` on what `cargo xtask test` has built; `None` where it cannot run.
fn e2e(test: &str, arguments: &[&str]) -> Option<Output> {
    layout::Images::find(test)?;
    if let Some(reason) = testbed::missing() {
        testbed::skip(test, &reason, std::env::var_os("CI").is_some());
        return None;
    }
    Some(xtask(arguments))
}

fn xtask(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("e2e").args(arguments).output().unwrap()
}

fn outcomes(output: &Output) -> Vec<serde_json::Value> {
    let json: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(json["changes"], serde_json::json!([]), "the machine was changed");
    json["jobs"].as_array().unwrap().clone()
}

#[test]
fn the_quick_jobs_pass() {
    let jobs = ["none", "F", "v", "i", "n", "unprivileged", "binfmt", "emulated"];
    let arguments = [&["--json", "--engine", "docker28"], &jobs[..]].concat();
    let Some(output) = e2e("the_quick_jobs_pass", &arguments) else { return };
    let outcomes = outcomes(&output);
    let names: Vec<&str> = outcomes.iter().map(|outcome| outcome["job"].as_str().unwrap()).collect();
    assert_eq!(names, jobs);
    for outcome in &outcomes {
        assert_eq!(outcome["passed"], true, "{outcome}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(output.status.success());
}

#[test]
fn the_first_job_passes_on_every_engine() {
    let Some(output) = e2e("the_first_job_passes_on_every_engine", &["--json", "none"]) else { return };
    let outcomes = outcomes(&output);
    let engines: Vec<&str> = outcomes.iter().map(|outcome| outcome["engine"].as_str().unwrap()).collect();
    assert_eq!(engines, ["docker28", "docker28-containerd", "docker20", "podman"]);
    for outcome in &outcomes {
        assert_eq!(outcome["passed"], true, "{outcome}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_job_whose_entry_vanishes_fails() {
    let arguments = ["--json", "--sabotage", "n", "unprivileged"];
    let Some(output) = e2e("a_job_whose_entry_vanishes_fails", &arguments) else { return };
    let outcomes = outcomes(&output);
    assert_eq!(output.status.code(), Some(1));
    for (outcome, command) in outcomes.iter().zip(["./busybox uname -m", "docker run --rm --platform"]) {
        assert_eq!(outcome["passed"], false, "{outcome}");
        let failure = outcome["failure"].as_str().unwrap();
        assert!(failure.contains(command) && failure.contains("it failed"), "{failure}");
    }
}

#[test]
fn the_list_is_for_people_and_for_programs() {
    let listed = |arguments: &[&str]| {
        let output = xtask(&[&["--list", "--json"], arguments].concat());
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let about = "register on the host registers, QEMU is /usr/bin/$file: host, from a release tarball";
    let all = listed(&[]);
    let engines = |job: &str| {
        let jobs = all.as_array().unwrap();
        jobs.iter().find(|listed| listed["job"] == job).unwrap()["engines"].clone()
    };
    let every = serde_json::json!(["docker28", "docker28-containerd", "docker20", "podman"]);
    assert_eq!(engines("none"), every);
    assert_eq!(engines("f"), serde_json::json!(["docker28"]));
    // No engine has a part in it.
    assert_eq!(engines("n"), serde_json::json!([]));
    let expected = serde_json::json!([{ "job": "f", "engines": ["podman"], "about": about }]);
    assert_eq!(listed(&["--engine", "podman", "f"]), expected);

    // The same jobs in the table, a line each under its head.
    let output = xtask(&["--list"]);
    let table = String::from_utf8(output.stdout).unwrap();
    let names = |text: &str| -> Vec<String> {
        text.lines().skip(1).map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    };
    let jobs: Vec<&str> = all.as_array().unwrap().iter().map(|job| job["job"].as_str().unwrap()).collect();
    assert_eq!(names(&table), jobs);
}

#[test]
fn an_unknown_job_is_named() {
    let output = xtask(&["nome"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "error: unknown job `nome` (did you mean `none`?)\n");
}

#[test]
fn the_documentation_has_the_setups_as_they_are_tested() {
    let output = xtask(&["--markdown"]);
    assert!(output.status.success(), "{output:?}");
    let markdown = String::from_utf8(output.stdout).unwrap();
    let table: String = markdown
        .lines()
        .take_while(|line| line.starts_with('|'))
        .fold(String::new(), |text, line| text + line + "\n");
    for (file, expected) in [("README.md", table.as_str()), ("docs/setups.md", markdown.as_str())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let begin = "<!-- setups:begin -->\n";
        let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("{file} has no {begin}"));
        let (found, _) = rest.split_once("<!-- setups:end -->").unwrap();
        let hint = "`cargo xtask e2e --markdown` prints it";
        assert_eq!(found.trim(), expected.trim(), "{file} is not what the jobs do: {hint}");
    }
}
