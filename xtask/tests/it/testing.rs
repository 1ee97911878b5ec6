//! The way that `cargo xtask test` runs test binaries: cargo starts each through the program, which writes down what came of it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

const MANIFEST: &str = "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"3\"\n";

const LIB: &str = r#"
#[test] fn good() { assert!(std::env::var_os("QUS_TEST_OUTCOMES").is_none(), "is for cargo") }
#[test] fn slow() { std::thread::sleep(std::time::Duration::from_secs(6)) }
#[test] #[should_panic] fn panics() { panic!("test good ... FAILED") }
mod inner { #[test] fn bad() { panic!("failures:\n    good\n") } }
"#;

const DIES: &str = r#"
#[test] fn a() {}
#[test] fn b() { std::thread::sleep(std::time::Duration::from_secs(1)); std::process::abort() }
"#;

const SKIPS: &str = r#"
use std::io::Write;
#[test] fn good() {}
#[test] fn lacks() {
    let list = std::env::var_os("QUS_TEST_SKIPPED").unwrap();
    let mut list = std::fs::OpenOptions::new().append(true).open(list).unwrap();
    writeln!(list, "lacks: no binfmt_misc: not root").unwrap();
}
#[test] #[ignore = "slow"] fn old() {}
#[test] #[ignore = "needs x; another test runs it"] fn lent() { panic!() }
"#;

/// A workspace of two packages, whose tests fail in every way.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = |name: &str| format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n");
    for (path, text) in [
        ("Cargo.toml", MANIFEST),
        ("one/Cargo.toml", &manifest("one")),
        ("one/src/lib.rs", LIB),
        ("one/tests/dies.rs", DIES),
        ("two/Cargo.toml", &manifest("two-b")),
        ("two/src/main.rs", "fn main() {}\n#[test] fn main_is_there() {}\n"),
        ("two/tests/skips/main.rs", SKIPS),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Runs the workspace's tests; what cargo has printed, and the outcomes, sorted by target.
fn run(workspace: &Path, arguments: &[&str]) -> (Output, Vec<Value>) {
    let outcomes = workspace.join("outcomes");
    let _ = fs::remove_file(&outcomes);
    let runner =
        format!("target.'cfg(all())'.runner = [{:?}, \"test\", \"--\"]", env!("CARGO_BIN_EXE_xtask"));
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--workspace", "--no-fail-fast", "--config", &runner])
        .args(arguments)
        .current_dir(workspace)
        .env("QUS_TEST_OUTCOMES", &outcomes)
        .env("CARGO_TARGET_DIR", workspace.join("target"))
        .output()
        .unwrap();
    let text = fs::read_to_string(&outcomes).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let mut outcomes: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for outcome in &mut outcomes {
        // Whether there is a core is the machine's.
        if let Some(died) = outcome["died"].as_str() {
            outcome["died"] = died.trim_end_matches(" (core dumped)").into();
        }
    }
    outcomes.sort_by_key(|outcome| outcome["binary"]["target"].to_string());
    (output, outcomes)
}

#[test]
fn every_binary_runs_and_every_test_has_its_outcome() {
    let workspace = workspace();
    let (output, outcomes) = run(workspace.path(), &[]);
    assert_eq!(output.status.code(), Some(101), "{output:?}");
    let binary = |package: &str, target: &str, select: &[&str]| json!({ "package": package, "target": target, "select": select });
    let skip = |test: &str, reason: &str| json!({ "test": test, "reason": reason });
    let expected = [
        json!({
            "binary": binary("one", "dies", &["--test", "dies"]),
            "passed": 1, "failed": ["b"], "skipped": [], "died": "signal: 6 (SIGABRT)",
        }),
        json!({
            "binary": binary("one", "one", &["--lib"]),
            "passed": 3, "failed": ["inner::bad"], "skipped": [], "died": null,
        }),
        json!({
            "binary": binary("two-b", "skips", &["--test", "skips"]),
            "passed": 1, "failed": [], "died": null,
            "skipped": [skip("lacks", "no binfmt_misc: not root"), skip("old", "ignored: slow")],
        }),
        json!({
            "binary": binary("two-b", "two_b", &["--bin", "two_b"]),
            "passed": 1, "failed": [], "skipped": [], "died": null,
        }),
    ];
    assert_eq!(outcomes, expected);
    // What the tests print is passed on, and who waits is not left without a word.
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        stdout.contains("test inner::bad ... FAILED\n") && stdout.contains("test main_is_there ... ok\n"),
        "{stdout}"
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("\none one: 3 of 4 tests are done after 4 s; not yet: slow\n"), "{stderr}");

    // As the command at the end of the list selects them.
    let (_, again) = run(workspace.path(), &["--lib", "--", "--exact", "inner::bad"]);
    assert_eq!(again.len(), 1);
    assert_eq!((&again[0]["passed"], &again[0]["failed"]), (&json!(0), &json!(["inner::bad"])));
}

/// Cargo's `--quiet` reaches libtest, which then names no test.
#[test]
fn quiet_shows_what_failed_binaries_print_and_loses_no_outcome() {
    let workspace = workspace();
    let (output, outcomes) = run(workspace.path(), &["--quiet", "--lib", "--bins"]);
    assert_eq!(output.status.code(), Some(101), "{output:?}");
    let counts = |outcome: &Value| (outcome["passed"].clone(), outcome["failed"].clone());
    let expected = [(json!(3), json!(["inner::bad"])), (json!(1), json!([]))];
    assert_eq!(outcomes.iter().map(counts).collect::<Vec<_>>(), expected);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("test inner::bad ... FAILED\n") && !stdout.contains("main_is_there"), "{stdout}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("tests are done"), "{stderr}");
}
