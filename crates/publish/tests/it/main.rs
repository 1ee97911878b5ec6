//! The places that an index goes to, tried: disks, archives, engines, registries, and who may use them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::process::Command;

use qus_publish as publish;

mod credentials;
mod disk;
mod engine;
mod fixture;
mod registry;

/// Runs a test that is ignored otherwise, in a process that `command` begins: this program, or one that becomes it.
fn run_alone(command: &mut Command, test: &str) {
    let run = command.args(["--exact", test, "--ignored", "--nocapture"]).output().unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    let is_run = run.status.success() && text.contains("1 passed");
    assert!(is_run, "{text}{}", String::from_utf8_lossy(&run.stderr));
}

/// The path of this program.
fn this() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}
