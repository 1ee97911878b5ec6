//! Running one job on one engine.

use std::fmt::Write as _;
use std::process::Output;
use std::time::{Duration, Instant};

use testbed::{Engine, Sandbox};

use super::job::{Job, Step};
use super::shop::WORK;
use super::stage::Stock;

/// How long a command may take: emulated builds are slow on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// How one job went on one engine.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) job: String,
    pub(super) engine: Engine,
    pub(super) time: Duration,
    /// What was typed and what was printed.
    pub(super) transcript: String,
    /// How many programs of an image said their versions.
    pub(super) cells: usize,
    /// Why it failed.
    pub(super) failure: Option<String>,
}

/// What the test of the test does in the middle of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    None,
    /// Before each command that runs a foreign program, all entries are removed.
    RemoveEntries,
}

/// Runs `job`. Whatever happens is in the outcome; what was started has ended afterwards.
pub(super) fn run(job: &Job, engine: Engine, stock: &Stock<'_>, sabotage: Sabotage) -> Outcome {
    let started = Instant::now();
    let mut transcript = String::new();
    let mut cells = 0;
    let failure = attempt(job, engine, stock, sabotage, &mut transcript, &mut cells).err();
    Outcome {
        job: job.name.clone(),
        cells,
        engine,
        time: started.elapsed(),
        transcript,
        failure: failure.map(|error| crate::error::render(&error)),
    }
}

fn attempt(
    job: &Job,
    engine: Engine,
    stock: &Stock<'_>,
    sabotage: Sabotage,
    transcript: &mut String,
    cells: &mut usize,
) -> anyhow::Result<()> {
    let sandbox = stock.sandbox(job, engine)?;
    let running = if job.uses_engine() { Some(engine.start(&sandbox)?) } else { None };
    if let Some(running) = &running {
        stock.load(&job.needs, running)?;
    }
    for step in &job.steps {
        if sabotage == Sabotage::RemoveEntries && step.expect.is_output() {
            sandbox.run(&["sh", "-c", "echo -1 > /proc/sys/fs/binfmt_misc/status"])?;
        }
        *cells += perform(step, engine, &sandbox, transcript)?;
    }
    Ok(())
}

/// Types the command of one step; says how many programs told their versions.
fn perform(step: &Step, engine: Engine, sandbox: &Sandbox, transcript: &mut String) -> anyhow::Result<usize> {
    let command = step.typed(engine);
    // Writing to a String cannot fail.
    let _ = writeln!(transcript, "$ {}", command.replace('\n', "\n> "));
    // One stream, so that lines come in the order in which they were printed.
    let script = format!("exec 2>&1; cd {WORK}; {command}");
    let Output { status, stdout, .. } = sandbox.output(&["sh", "-c", &script], LIMIT)?;
    let printed = String::from_utf8_lossy(&stdout);
    transcript.push_str(&printed);
    if !printed.is_empty() && !printed.ends_with('\n') {
        transcript.push('\n');
    }
    step.expect.judge(status.success(), &printed).map_err(|why| {
        anyhow::anyhow!("`{}`: {why} ({status})", command.lines().next().unwrap_or_default())
    })?;
    Ok(step.expect.lines_found(&printed))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use testbed::{Package, Packages};

    use super::*;
    use crate::e2e::job::Needs;

    /// Runs a job that needs `packages`, with folders that are not there.
    fn outcome(packages: Vec<Package>, steps: Vec<Step>) -> Option<Outcome> {
        let keyrings = concat!(env!("CARGO_MANIFEST_DIR"), "/../images/keyrings");
        let nowhere = Path::new("/nowhere");
        let source = Packages::for_test("e2e::run", keyrings)?;
        let stock = Stock { packages: source, layout: nowhere, assets: nowhere };
        let needs = Needs { installed: packages, ..Needs::default() };
        let job = Job { name: "job".to_owned(), about: String::new(), engines_differ: false, needs, steps };
        Some(run(&job, Engine::Docker20, &stock, Sabotage::None))
    }

    #[test]
    fn a_package_that_cannot_be_had_is_named() {
        let package = Package::native("bookworm", "no-such-package");
        let Some(outcome) = outcome(vec![package], vec![Step::succeeds("true")]) else { return };
        let expected = "error: cannot get packages: `bookworm` has no package `no-such-package` for `amd64`";
        assert_eq!(outcome.failure.as_deref(), Some(expected));
        assert_eq!(outcome.transcript, "");
    }

    #[test]
    fn a_step_that_fails_ends_the_job_and_shows_what_was_printed() {
        let steps = vec![
            Step::prints("echo one; echo two >&2", "two"),
            Step::fails("exit 3"),
            Step::prints("echo four", "five"),
            Step::succeeds("echo never"),
        ];
        let Some(outcome) = outcome(Vec::new(), steps) else { return };
        assert_eq!(outcome.transcript, "$ echo one; echo two >&2\none\ntwo\n$ exit 3\n$ echo four\nfour\n");
        let expected = "error: `echo four`: no line of its output is `five` (exit status: 0)";
        assert_eq!(outcome.failure.as_deref(), Some(expected));
    }
}
