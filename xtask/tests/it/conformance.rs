//! `cargo xtask conformance`: the quick part, and that what is wrong with a QEMU is counted as what it is.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use arch::Host;

use crate::workflow;

fn conformance(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).arg("conformance").args(arguments).output().unwrap()
}

/// The results, none of which has changed the machine.
fn results(output: &Output) -> Vec<serde_json::Value> {
    let json: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(json["changes"], serde_json::json!([]), "the machine was changed");
    json["results"].as_array().unwrap().clone()
}

#[test]
fn the_quick_part_passes() {
    if crate::layout::Images::find("the_quick_part_passes").is_none()
        || !testbed::ready("the_quick_part_passes")
    {
        return;
    }
    let output = conformance(&["--quick", "--json"]);
    let results = results(&output);
    let native = Host::native().unwrap().target();
    let targets = ["aarch64", "arm", "s390x"].into_iter().filter(|name| *name != native.name());
    assert_eq!(results.len(), 10 * targets.count());
    for result in &results {
        assert_eq!(result["outcome"], "pass", "{result}");
        assert!(result["user_seconds"].as_f64().unwrap() > 0.0, "{result}");
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A target that is foreign here, and the QEMU for it that tests have; `None` where they have none.
fn foreign(test: &str) -> Option<(&'static str, PathBuf)> {
    let Some(dir) = std::env::var_os("QUS_TEST_QEMU_DIR") else {
        testbed::skip(test, "QUS_TEST_QEMU_DIR names no folder");
        return None;
    };
    let target = if cfg!(target_arch = "aarch64") { "s390x" } else { "aarch64" };
    testbed::ready(test).then(|| (target, Path::new(&dir).join(format!("usr/bin/qemu-{target}"))))
}

/// Compiles a static program of this machine.
fn compile(dir: &Path, source: &str, options: &[&str]) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance").join(source);
    let program = dir.join(source).with_extension("");
    let mut command = Command::new("cc");
    command.args(["-static", "-O1", "-Wall", "-Werror"]).args(options).arg("-o").arg(&program).arg(from);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// A QEMU that fails at something that it does otherwise.
fn failing(dir: &Path, qemu: &Path, options: &[&str]) -> PathBuf {
    let path = compile(dir, "crashing.c", options);
    let (mut program, qemu) = (fs::read(&path).unwrap(), fs::read(qemu).unwrap());
    program.extend_from_slice(&qemu);
    program.extend_from_slice(&(qemu.len() as u64).to_ne_bytes());
    testbed::write_program(&path, &program).unwrap();
    path
}

#[test]
fn a_qemu_that_crashes_when_programs_fork_is_found() {
    let Some((target, qemu)) = foreign("a_qemu_that_crashes_when_programs_fork_is_found") else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = failing(dir.path(), &qemu, &[]);
    let file = path.to_str().unwrap();
    // The latter has threads, and starts no program.
    let output =
        conformance(&["--json", "--qemu", file, "--target", target, "--workload", "bash,python3-threads"]);
    let results = results(&output);
    let outcomes: Vec<&str> = results.iter().map(|result| result["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["crash", "pass"], "{results:#?}");
    let reason = "it was ended by the signal 31; it had printed:\nsum 2686700";
    assert!(results[0]["reason"].as_str().unwrap().starts_with(reason), "{results:#?}");
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("\nerror: bash for "), "{stderr}");
    assert!(stderr.ends_with("error: 1 of 2 workloads failed\n"), "{stderr}");
}

#[test]
fn a_second_stage_that_fails_is_a_result() {
    let Some((target, qemu)) = foreign("a_second_stage_that_fails_is_a_result") else { return };
    let dir = tempfile::tempdir().unwrap();
    for (options, outcome, reason) in [
        (&[][..], "crash", "it was ended by the signal 31"),
        (&["-DRENAMES"], "wrong", "line 1 is `ldconfig 1`, not `ldconfig 0`; on stderr:\n"),
    ] {
        let path = failing(dir.path(), &qemu, options);
        let file = path.to_str().unwrap();
        let output =
            conformance(&["--json", "--qemu", file, "--target", target, "--workload", "second-stage"]);
        let results = results(&output);
        assert_eq!((results.len(), results[0]["outcome"].as_str()), (1, Some(outcome)), "{results:#?}");
        assert!(results[0]["reason"].as_str().unwrap().starts_with(reason), "{results:#?}");
        assert_eq!(output.status.code(), Some(1));
    }
}

/// A QEMU that is none, and says that it is for aarch64; `None` where that is native, or nothing can be tried.
fn pretending(test: &str, dir: &Path, source: &str, options: &[&str]) -> Option<String> {
    if cfg!(target_arch = "aarch64") {
        testbed::skip(test, "programs for aarch64 are this machine's own");
        return None;
    }
    testbed::ready(test).then(|| compile(dir, source, options).to_str().unwrap().to_owned())
}

/// The outcome of a workload under a QEMU that is none, and the reason.
fn under(test: &str, source: &str, workload: &str, options: &[&str]) -> Option<(String, String)> {
    let dir = tempfile::tempdir().unwrap();
    let file = pretending(test, dir.path(), source, options)?;
    let output = conformance(&["--json", "--qemu", &file, "--limit", "3", "--workload", workload]);
    assert_eq!(output.status.code(), Some(1));
    let results = results(&output);
    assert_eq!((results.len(), results[0]["version"].as_str()), (1, Some("9.9.9")), "{results:#?}");
    let text = |name: &str| results[0][name].as_str().unwrap().to_owned();
    Some((text("outcome"), text("reason")))
}

#[test]
fn a_workload_that_hangs_leaves_nothing() {
    let test = "a_workload_that_hangs_leaves_nothing";
    for workload in ["bash", "second-stage"] {
        let options = ["-DHANG=1", "-DCHILDREN=3"];
        let Some((outcome, reason)) = under(test, "staying.c", workload, &options) else { return };
        assert_eq!((&*outcome, &*reason), ("hang", "it did not end within 3 s"), "{workload}");
    }
}

#[test]
fn too_many_processes_are_a_limit() {
    let options = ["-DHANG=1", "-DCHILDREN=400"];
    let test = "too_many_processes_are_a_limit";
    let Some((outcome, reason)) = under(test, "staying.c", "bash", &options) else { return };
    assert_eq!((&*outcome, &*reason), ("wrong", "it has more than 300 processes"));
}

#[test]
fn all_that_a_workload_can_write_to_has_a_limit() {
    let test = "all_that_a_workload_can_write_to_has_a_limit";
    for (workload, packages) in [("bash", ""), ("second-stage", ", packages: Read-only file system")] {
        let Some((outcome, reason)) = under(test, "looking.c", workload, &[]) else { return };
        let expected = format!("line 1 is `/dev 1, /dev/shm 1536, /tmp 1536{packages}`, not ");
        assert!(outcome == "wrong" && reason.starts_with(&expected), "{workload}: {reason}");
    }
}

#[test]
fn a_run_that_is_killed_leaves_no_qemu() {
    let dir = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let options = ["-DHANG=1", "-DCHILDREN=1"];
    let test = "a_run_that_is_killed_leaves_no_qemu";
    let Some(file) = pretending(test, dir.path(), "staying.c", &options) else { return };
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["conformance", "--qemu", &file, "--workload", "bash"]).env("TMPDIR", temporary.path());
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(run.stderr.take().unwrap()).lines();
    let has_begun = lines.map_while(Result::ok).any(|line| line.starts_with("bash for arm64 under "));
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(has_begun);
    let left: Vec<_> = fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [""; 0].map(PathBuf::from));
}

/// No file is left out in silence, and no program is run without need.
#[test]
fn files_and_targets_that_do_not_meet_are_refused() {
    let test = "files_and_targets_that_do_not_meet_are_refused";
    let dir = tempfile::tempdir().unwrap();
    let Some(file) = pretending(test, dir.path(), "looking.c", &[]) else { return };
    let series = ["--series", "newest"];
    let other = format!("cannot test {file}: it is for aarch64, and no program that is to run is\nhint: ");
    for (targets, series, expected) in [
        ("riscv64", &[][..], &*other),
        ("riscv64", &series, &other),
        ("arm64,riscv64", &[], "no file is a QEMU for riscv64\nhint: "),
    ] {
        let arguments = ["--qemu", &file, "--workload", "bash", "--target", targets];
        let output = conformance(&[&arguments[..], series].concat());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(&format!("error: {expected}")), "{targets}: {stderr}");
        assert_eq!(output.status.code(), Some(1));
    }
    let arguments = ["--json", "--qemu", &file, "--workload", "bash", "--series", "newest"];
    let results = results(&conformance(&arguments));
    let tried: Vec<_> = results.iter().map(|result| (&result["target"], &result["outcome"])).collect();
    assert_eq!(tried, [(&"aarch64".into(), &"pass".into()), (&"aarch64".into(), &"wrong".into())]);
}

#[test]
fn a_file_that_cannot_be_a_qemu_is_refused() {
    if !testbed::ready("a_file_that_cannot_be_a_qemu_is_refused") {
        return;
    }
    for path in ["/", "/dev/zero"] {
        let output = conformance(&["--qemu", path]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(&format!("error: cannot read {path}: it is no regular file\n")), "{stderr}");
    }
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    let output = conformance(&["--qemu", script.to_str().unwrap()]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let expected = format!("error: cannot test {}: it is not an ELF file\nhint: ", script.display());
    assert!(stderr.contains(&expected), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
}

/// A record of `git` and `bash` for `target` under a QEMU of another package, and of another system.
fn record(target: &str, architecture: &str, package: &str) -> String {
    let host = Host::native().unwrap();
    let system = |target: &str, architecture: &str| {
        format!(
            "\n[[system]]\nhost = \"{host}\"\ntarget = \"{target}\"\narchitecture = \"{architecture}\"\n\
             suite = \"bookworm\"\n\n[system.qemu]\nnewest = {{ version = \"9.9.9\", package = \"{package}\" }}\n\n\
             [system.workload]\nbash = {{ newest = \"hang\" }}\ngit = {{ newest = \"pass 1.25\" }}\n"
        )
    };
    format!("version = 1\n{}{}", system(target, architecture), system("mipsel", "mipsel"))
}

#[test]
fn a_run_is_recorded_beside_what_is_there() {
    if !testbed::ready("a_run_is_recorded_beside_what_is_there") {
        return;
    }
    let (target, architecture) =
        if cfg!(target_arch = "aarch64") { ("s390x", "s390x") } else { ("aarch64", "arm64") };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conformance.toml");
    let run = || {
        let record = format!("--record={}", path.display());
        conformance(&["--json", "--target", target, "--series", "newest", "--workload", "bash", &record])
    };
    // Of another package, nothing stays.
    fs::write(&path, record(target, architecture, "1:9.9.9-1")).unwrap();
    let output = run();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let results = results(&output);
    let package = results[0]["package"].as_str().unwrap();
    let version = results[0]["version"].as_str().unwrap();
    let place = format!("bash for {architecture} under newest ({version})");
    let mended = format!("note: mended: {place}: pass; recorded is hang, of 9.9.9\n");
    assert!(stderr.contains(&mended) && stderr.contains(&format!("wrote {}\n", path.display())), "{stderr}");
    let text = fs::read_to_string(&path).unwrap();
    let count = |text: &str, line: &str| text.matches(line).count();
    assert_eq!((count(&text, "[[system]]"), count(&text, "bash = { newest = \"hang\" }")), (2, 1), "{text}");
    assert_eq!((count(&text, "bash = { newest = \"pass "), count(&text, "git = ")), (1, 1), "{text}");
    assert_eq!(count(&text, &format!("version = \"{version}\", package = \"{package}\"")), 1, "{text}");
    // Of the same package, what was not run does.
    fs::write(&path, record(target, architecture, package).replace("9.9.9", version)).unwrap();
    run();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!((count(&text, "bash = { newest = \"pass "), count(&text, "git = ")), (1, 2), "{text}");
}

#[test]
fn what_cannot_be_compared_is_not_recorded() {
    for arguments in [["--cpu", "auto"], ["--qemu", "qemu-aarch64"], ["--limit", "3"]] {
        let output = conformance(&[&["--record"][..], &arguments].concat());
        let stderr = String::from_utf8(output.stderr).unwrap();
        let expected = format!("the argument '--record[=<FILE>]' cannot be used with '{} <", arguments[0]);
        assert!(stderr.contains(&expected), "{stderr}");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn a_record_that_cannot_be_read_is_known_before_anything_runs() {
    if !testbed::ready("a_record_that_cannot_be_read_is_known_before_anything_runs") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conformance.toml");
    fs::write(&path, "version = 2\n").unwrap();
    let output = conformance(&[&format!("--record={}", path.display())]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "error: cannot read {}: line 1: `version` is 2, and only 1 can be read\n\
         hint: `cargo xtask conformance --record` makes it; an older one is in the history\n",
        path.display()
    );
    assert_eq!(stderr, expected);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&path).unwrap(), "version = 2\n");
}

#[test]
fn a_record_that_cannot_be_written_is_known_before_anything_runs() {
    if !testbed::ready("a_record_that_cannot_be_written_is_known_before_anything_runs") {
        return;
    }
    let output = conformance(&["--record=/proc/conformance.toml"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: cannot write /proc/conformance.toml: "), "{stderr}");
    // A device is written to, and has nothing to read, or no end of it.
    let target = if cfg!(target_arch = "aarch64") { "s390x" } else { "arm64" };
    let arguments = ["--target", target, "--series", "newest", "--workload", "bash", "--record=/dev/null"];
    let output = conformance(&arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && stderr.ends_with("wrote /dev/null\n"), "{stderr}");
}

#[test]
fn names_that_are_not_there_are_refused() {
    for (arguments, expected) in [
        (["--target", "vax"], "error: unknown target `vax`"),
        (["--workload", "gitt"], "error: unknown workload `gitt`"),
        (["--series", "8.0"], "error: unknown series `8.0`"),
    ] {
        let output = conformance(&arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with(expected), "{stderr}");
        assert_eq!(output.status.code(), Some(1));
    }
}

/// A job for each system; programs of the runner's own machine are not foreign there.
#[test]
fn the_canary_tries_every_system() {
    let list = conformance(&["--list"]);
    let list = String::from_utf8(list.stdout).unwrap();
    let systems = list.lines().skip_while(|line| !line.starts_with("TARGET")).skip(1);
    let systems = systems.map_while(|line| line.split_whitespace().nth(1).map(str::to_owned));
    let canary = workflow::read("canary.yml");
    let job = &canary["jobs"]["conformance"];
    let hosts: Vec<Host> = workflow::hosts(job).iter().map(|host| host.parse().unwrap()).collect();
    let native = Host::native().unwrap();
    let expected: Vec<&str> =
        hosts.iter().filter(|host| host.target() != native.target()).map(|host| host.debian()).collect();
    let systems: Vec<String> = systems.filter(|system| system != "amd64").collect();
    assert_eq!(systems, expected);
    let command = *workflow::commands(job).last().unwrap();
    assert!(command.ends_with(" cargo xtask conformance --target \"$HOST\""), "{command}");
}
