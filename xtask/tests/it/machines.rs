//! `cargo xtask e2e --machines`: two machines, and that a check which should fail does.
//!
//! CI runs more after the tests, and the canary every one.

use std::process::{Command, Output};

use crate::workflow;

fn machines(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(["e2e", "--machines"]).args(arguments).output().unwrap()
}

/// Boots machines with what `cargo xtask test` has built; `None` where that cannot be.
fn boot(test: &str, arguments: &[&str]) -> Option<(Output, serde_json::Value)> {
    let images = crate::layout::Images::find(test)?;
    if !testbed::ready(test) {
        return None;
    }
    let layout = images.path().to_str().unwrap();
    let output = machines(&[&["--json", "--layout", layout], arguments].concat());
    let json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    Some((output, json))
}

/// The failures of the only machine, whose name is `name`.
fn failures<'a>(output: &Output, json: &'a serde_json::Value, name: &str) -> Vec<&'a str> {
    assert_eq!(json["changes"], serde_json::json!([]), "the machine was changed");
    let machines = json["machines"].as_array().unwrap();
    assert_eq!(machines.len(), 1, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(machines[0]["machine"], name);
    machines[0]["failures"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn an_old_kernel_of_another_processor_passes() {
    let test = "an_old_kernel_of_another_processor_passes";
    let Some((output, json)) = boot(test, &["arm64v8-5.10"]) else { return };
    assert_eq!(failures(&output, &json, "arm64v8-5.10"), [""; 0]);
    assert!(json["machines"][0]["kernel"].as_str().unwrap().starts_with("5.10."), "{json}");
    assert!(output.status.success());
}

/// The entries vanish before the last command: every check passes but the last one.
#[test]
fn a_check_that_should_fail_does_and_no_other() {
    let test = "a_check_that_should_fail_does_and_no_other";
    let Some((output, json)) = boot(test, &["--sabotage", "amd64-6.1"]) else { return };
    let failures = failures(&output, &json, "amd64-6.1");
    assert_eq!(failures.len(), 1, "{failures:#?}");
    let said = "cat: can't open '/proc/sys/fs/binfmt_misc/qemu-*': No such file or directory";
    let (reason, console) = failures[0].split_once("\nthe console's last lines:\n").unwrap();
    assert_eq!(
        reason,
        format!("every target: `cat /proc/sys/fs/binfmt_misc/qemu-*` exited with 1, not with 0:\n{said}")
    );
    let last: Vec<&str> = console.lines().rev().take(4).collect();
    // The end of a command comes with the machine's clock.
    assert!(last[0].starts_with("@= 1 ") && last[2].starts_with("@= 0 "), "{console}");
    assert_eq!((last[1], &last[3][last[3].len() - 18..]), (&*format!("@2{said}"), " proved by running"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(&format!("error: amd64-6.1: {}", failures[0])), "{stderr}");
    assert!(stderr.ends_with("error: 1 of 1 machine failed\n"), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn machines_have_names() {
    let output = machines(&["arm64v8-5.1"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "error: unknown machine `arm64v8-5.1` (did you mean `arm64v8-5.10`?)\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    let output = machines(&["--list", "s390x-6.1"]);
    let expected = "MACHINE    KERNEL             SUITE\ns390x-6.1  linux-image-s390x  bookworm\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[test]
fn the_documentation_has_the_matrix() {
    let output = machines(&["--list"]);
    let list = String::from_utf8(output.stdout).unwrap();
    let (_, matrix) = list.split_once("\n\n").unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/maintaining.md");
    let text = std::fs::read_to_string(path).unwrap();
    let block = format!("```text\n{matrix}```\n");
    assert!(
        text.contains(&block),
        "docs/maintaining.md lacks what `cargo xtask e2e --machines --list` prints:\n{block}"
    );
}

/// The canary has a job for each host.
#[test]
fn the_canary_boots_every_machine() {
    let list = String::from_utf8(machines(&["--list"]).stdout).unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let mut hosts: Vec<&str> = list.lines().skip(1).map(|line| line.split_once('-').unwrap().0).collect();
    hosts.dedup();
    let canary = workflow::read("canary.yml");
    let job = &canary["jobs"]["machines"];
    assert_eq!(workflow::hosts(job), hosts);
    assert_eq!(workflow::map(&job["env"])["HOST"], "${{ matrix.host }}");
    let boot = "sudo --preserve-env=CI,HOME env \"PATH=$PATH\" cargo xtask e2e --machines --layout target/images \"$HOST\"";
    assert_eq!(workflow::commands(job), ["cargo xtask images --host \"$HOST\"", boot]);
}
