//! `cargo xtask e2e` itself: the jobs that are quick, and that a job which should fail does.
//!
//! CI runs every job after the tests.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `cargo xtask e2e` on what `cargo xtask test` has built; `None` where it cannot run.
fn e2e(test: &str, arguments: &[&str]) -> Option<Output> {
    crate::layout::Images::find(test)?;
    testbed::ready(test).then(|| xtask(arguments))
}

fn xtask(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("e2e").args(arguments);
    command
}

fn outcomes(output: &Output) -> Vec<serde_json::Value> {
    let json: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(json["changes"], serde_json::json!([]), "the machine was changed");
    json["jobs"].as_array().unwrap().clone()
}

#[test]
fn the_quick_jobs_pass() {
    let jobs = ["none", "F", "v", "i", "n", "unprivileged", "binfmt", "emulated", "tampered"];
    let arguments = [&["--json", "--engine", "docker28"], &jobs[..]].concat();
    let Some(output) = e2e("the_quick_jobs_pass", &arguments) else { return };
    let outcomes = outcomes(&output);
    let names: Vec<&str> = outcomes.iter().map(|outcome| outcome["job"].as_str().unwrap()).collect();
    assert_eq!(names, jobs);
    for outcome in &outcomes {
        assert_eq!(outcome["passed"], true, "{outcome}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    // A job without an engine is under none, and not in the table of programs.
    assert_eq!((&outcomes[0]["engine"], &outcomes[4]["engine"]), (&"docker28".into(), &"none".into()));
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
fn the_programs_of_a_foreign_host_rest_on_their_entry() {
    let test = "the_programs_of_a_foreign_host_rest_on_their_entry";
    let host = if cfg!(target_arch = "aarch64") { "s390x" } else { "arm64v8" };
    for (sabotage, expected) in [(&[][..], true), (&["--sabotage"], false)] {
        let job = format!("host-{host}");
        let Some(output) = e2e(test, &[&["--json", &job], sabotage].concat()) else { return };
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.success(), expected, "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(json["jobs"][0]["passed"], expected);
        // Those of a job that failed are in the table, too.
        let cells = json["cells"].as_array().unwrap();
        assert!(cells.len() > 30, "{cells:?}");
        for cell in cells {
            assert_eq!((&cell["host"], &cell["ran"]), (&host.into(), &expected.into()), "{cell}");
        }
    }
}

#[test]
fn a_layout_is_tested_as_it_is_or_refused() {
    let Some(images) = crate::layout::Images::find("a_layout_is_tested_as_it_is_or_refused") else { return };
    if !testbed::ready("a_layout_is_tested_as_it_is_or_refused") {
        return;
    }
    let path = images.path().to_str().unwrap();
    let listing = || {
        let mut names: Vec<_> =
            std::fs::read_dir(images.path().join("blobs/sha256")).unwrap().flatten().collect();
        names.sort_by_key(std::fs::DirEntry::file_name);
        names.into_iter().map(|entry| entry.file_name()).collect::<Vec<_>>()
    };
    let before = listing();
    let output = xtask(&["--json", "--layout", path, "host-arm64v8"]);
    assert_eq!(outcomes(&output)[0]["passed"], true, "{output:?}");
    assert_eq!(listing(), before);

    // The images of a lock that has one package less.
    let lock = std::fs::read_to_string(std::env::var_os("QUS_TEST_LOCK").unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other.lock");
    std::fs::write(&other, another(&lock)).unwrap();
    let output = command(&["--layout", path, "host-arm64v8"]).env("QUS_TEST_LOCK", &other).output().unwrap();
    let expected = format!(
        "error: cannot test {path}: its image `latest` for arm64v8 was made from another lock\n\
         hint: `cargo xtask images --output {path}` makes it from the lock as it is now\n"
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    assert_eq!(output.status.code(), Some(1));
}

/// The lock with another digest for each package.
fn another(lock: &str) -> String {
    let other = |digest: &str| format!("{}{}", if digest.starts_with('0') { '1' } else { '0' }, &digest[1..]);
    let (first, rest) = lock.split_once("sha256:").unwrap();
    rest.split("sha256:").fold(first.to_owned(), |text, digest| text + "sha256:" + &other(digest))
}

#[test]
fn a_layout_without_the_images_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let output = xtask(&["none", "--layout", path]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(path) && stderr.contains("\nhint: "), "{stderr}");
}

#[test]
fn the_list_is_of_the_engines_that_are_asked_for() {
    let list = |arguments: &[&str]| {
        let output = xtask(&[&["--list", "none", "n"], arguments].concat());
        let lines = String::from_utf8(output.stdout).unwrap();
        lines
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().nth(1).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(&[]), ["all", "none"]);
    assert_eq!(list(&["--engine", "podman"]), ["podman", "none"]);
}

/// A file that cannot be written is reported, by every command.
#[test]
fn a_full_disk_is_told() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(&["--list"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = "error: cannot write to stdout: No space left on device (os error 28)\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
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
fn systems_have_the_names_of_their_targets() {
    let output = xtask(&["--second-stage", "--list", "armhf", "riscv64"]);
    let expected = "TARGET   ARCHITECTURE  SUITE\n\
                    arm      armhf         bookworm\n\
                    riscv64  riscv64       trixie\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    let output = xtask(&["--second-stage", "s390"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "error: unknown target `s390` (did you mean `s390x`?)\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    // They are not among the jobs, which are all run when none is named.
    let output = xtask(&["--second-stage", "--machines"]);
    assert_eq!(output.status.code(), Some(2));
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
