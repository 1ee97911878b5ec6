//! One test binary: cargo starts it through this program, which passes on the output as it comes, and writes down what came
//! of each test.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::Context as _;
use launch::lines::{self, SILENCE};
use ui::Ui;

use crate::outcome::{Binary, Outcome, Output, Skip};

/// Names the file that outcomes are appended to. Set by `cargo xtask test` for cargo, which starts test binaries through
/// this program; not for the tests themselves.
pub const OUTCOMES: &str = "QUS_TEST_OUTCOMES";
/// Names the file that a test which skips itself appends a line to: its name, a colon, the reason.
const SKIPPED: &str = "QUS_TEST_SKIPPED";

/// Runs `command`, a test binary and its arguments, and appends its outcome to the file `outcomes`.
pub fn run(command: &[String], outcomes: &Path, ui: &Ui) -> anyhow::Result<ExitCode> {
    let (program, arguments) = command.split_first().context("no test binary is named")?;
    // Cargo passes on its own option, with which libtest names no test. What a failed binary prints is shown all the same.
    let (quiet, arguments): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|argument| *argument == "--quiet");
    let is_quiet = !quiet.is_empty();
    let binary = binary(Path::new(program))?;
    let tests = list(program, &arguments)?;
    let skipped = tempfile::NamedTempFile::new()?;
    let mut child = Command::new(program)
        .args(&arguments)
        .env_remove(OUTCOMES)
        .env(SKIPPED, skipped.path())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let output = RefCell::new(Output::new(tests));
    let mut kept = Vec::new();
    let each = |line: &[u8]| {
        match is_quiet {
            true => kept.extend_from_slice(line),
            // A closed stdout is no reason to stop: the outcome counts.
            false => drop(io::stdout().write_all(line)),
        }
        output.borrow_mut().line(String::from_utf8_lossy(line).trim_end());
    };
    let silent = |elapsed| {
        if !is_quiet {
            ui.note(output.borrow().progress(&binary, elapsed));
        }
    };
    let status = lines::follow(&mut child, SILENCE, each, silent)?;
    if !status.success() {
        let _ = io::stdout().write_all(&kept);
    }
    let skipped = fs::read_to_string(skipped.path()).context("cannot read which tests were skipped")?;
    let skipped = skipped.lines().map(Skip::parse).collect();
    append(&output.into_inner().end(binary, status, skipped), outcomes)?;
    Ok(exit_code(status))
}

/// The names of the tests that `arguments` select.
fn list(program: &str, arguments: &[&String]) -> anyhow::Result<Vec<String>> {
    let mut command = Command::new(program);
    command.args(arguments).args(["--list", "--format", "terse"]).env_remove(OUTCOMES);
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

/// The package and the target that cargo compiled `program` of: cargo names the former by a variable, the latter by the
/// file's name, a dash and a hash.
fn binary(program: &Path) -> anyhow::Result<Binary> {
    let variable =
        |name: &str| std::env::var(name).with_context(|| format!("{name} is not set: cargo sets it"));
    let package = variable("CARGO_PKG_NAME")?;
    let folder = variable("CARGO_MANIFEST_DIR")?;
    let stem = program.file_stem().context("a test binary has a name")?.to_string_lossy().into_owned();
    let target = stem.rsplit_once('-').map_or(stem.as_str(), |(target, _)| target).to_owned();
    let folder = Path::new(&folder);
    let tests = folder.join("tests").join(&target);
    let select = if tests.with_extension("rs").exists() || tests.join("main.rs").exists() {
        vec!["--test".to_owned(), target.clone()]
    } else if target == package.replace('-', "_") && folder.join("src/lib.rs").exists() {
        vec!["--lib".to_owned()]
    } else {
        vec!["--bin".to_owned(), target.clone()]
    };
    Ok(Binary { package, target, select })
}

fn append(outcome: &Outcome, outcomes: &Path) -> anyhow::Result<()> {
    let mut line = serde_json::to_string(outcome)?;
    line.push('\n');
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(outcomes)
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .with_context(|| format!("cannot write {}", outcomes.display()))
}

/// The binary's own exit code; that of a failed test where a signal has ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(101);
    ExitCode::from(code)
}

/// Every outcome in the file `outcomes`, by binary; of a binary that ran twice, the last.
pub(crate) fn read(outcomes: &Path) -> anyhow::Result<Vec<Outcome>> {
    let text = fs::read_to_string(outcomes).with_context(|| format!("cannot read {}", outcomes.display()))?;
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let outcome: Outcome =
            serde_json::from_str(line).context("cannot read the outcome of a test binary")?;
        found.insert(outcome.binary.clone(), outcome);
    }
    Ok(found.into_values().collect())
}

/// Cargo's setting that has it start test binaries through this program. An argument rather than a variable, so that
/// whatever tests start with cargo is not concerned.
pub(crate) fn runner() -> anyhow::Result<String> {
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    let program = program.to_str().context("the workspace's path is not UTF-8")?;
    // A JSON string is a TOML string.
    Ok(format!("target.'cfg(all())'.runner = [{}, \"test\", \"--\"]", serde_json::to_string(program)?))
}
