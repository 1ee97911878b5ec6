//! Running one job on one engine.

use std::fmt::Write as _;
use std::process::Output;
use std::time::{Duration, Instant};

use arch::{Host, Target};
use testbed::{Engine, Sandbox};

use crate::job::{Job, Step};
use crate::machine::Track;
use crate::shop::WORK;
use crate::stage::Fixtures;

/// The time that a command may take: emulated builds are slow on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// The outcome of one job on one engine.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) job: String,
    /// `None` for a job that has nothing to do with engines.
    pub(super) engine: Option<Engine>,
    pub(super) time: Duration,
    /// The commands and their output.
    pub(super) transcript: String,
    /// The programs of an image, and whether each has printed the locked version.
    pub(super) cells: Vec<Cell>,
    /// The things of the machine that the sandbox had.
    pub(super) track: Option<Track>,
    /// The reason for its failure.
    pub(super) failure: Option<String>,
}

/// One program of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) host: Host,
    pub(super) target: Target,
    pub(super) ran: bool,
}

/// The sabotage in the middle of a job, which tests the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    None,
    /// Before each command that runs a foreign program, all entries are removed.
    RemoveEntries,
    /// Docker's daemon is replaced by one that ends at once.
    #[cfg(test)]
    BreakDaemon,
}

/// Runs `job`. Whatever happens is in the outcome; what was started has ended afterwards.
pub(super) fn run(job: &Job, engine: Option<Engine>, fixtures: &Fixtures<'_>, sabotage: Sabotage) -> Outcome {
    let started = Instant::now();
    // None has run before it did, also if the job does not get that far.
    let cells = job.cells.iter().map(|(host, target)| Cell { host: *host, target: *target, ran: false });
    let mut outcome = Outcome {
        job: job.name.clone(),
        engine,
        time: Duration::ZERO,
        transcript: String::new(),
        cells: cells.collect(),
        track: None,
        failure: None,
    };
    let result = attempt(job, engine, fixtures, sabotage, &mut outcome);
    outcome.failure = result.err().map(|error| (fixtures.explain)(&error));
    outcome.time = started.elapsed();
    outcome
}

fn attempt(
    job: &Job,
    engine: Option<Engine>,
    fixtures: &Fixtures<'_>,
    sabotage: Sabotage,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let sandbox = fixtures.sandbox(job, engine)?;
    outcome.track = Some(Track::of(&sandbox));
    #[cfg(test)]
    if sabotage == Sabotage::BreakDaemon {
        sandbox.write("/usr/sbin/dockerd", "#!/bin/sh\necho no daemon today >&2\nexit 7\n")?;
        sandbox.run(&["chmod", "755", "/usr/sbin/dockerd"])?;
    }
    let running = engine.map(|engine| engine.start(&sandbox)).transpose()?;
    if let Some(running) = &running {
        fixtures.load(&job.needs, running)?;
    }
    for step in &job.steps {
        if sabotage == Sabotage::RemoveEntries && step.expect.is_output() {
            sandbox.run(&["sh", "-c", "echo -1 > /proc/sys/fs/binfmt_misc/status"])?;
        }
        perform(step, engine, &sandbox, outcome)?;
    }
    Ok(())
}

/// Types the command of one step, and judges what comes of it.
fn perform(
    step: &Step,
    engine: Option<Engine>,
    sandbox: &Sandbox,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let command = engine.map_or_else(|| step.command.clone(), |engine| step.typed(engine));
    let transcript = &mut outcome.transcript;
    // Writing to a String cannot fail.
    let _ = writeln!(transcript, "$ {}", command.replace('\n', "\n> "));
    let script = format!("cd {WORK}; {command}");
    let Output { status, stdout, stderr } = sandbox.output(&["sh", "-c", &script], LIMIT)?;
    // Results and messages are judged apart, so they are had apart; people read one after the other.
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    for printed in [&stdout, &stderr] {
        transcript.push_str(printed);
        if !printed.is_empty() && !printed.ends_with('\n') {
            transcript.push('\n');
        }
    }
    for (cell, ran) in outcome.cells.iter_mut().zip(step.expect.lines_found(&stdout)) {
        cell.ran = ran;
    }
    step.expect
        .judge(status.success(), &stdout, &stderr)
        .map_err(|why| anyhow::anyhow!("`{}`: {why} ({status})", command.lines().next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use testbed::{Package, Packages};

    use super::*;
    use crate::job::Needs;

    /// Runs a job that needs `packages`, with folders that are not there.
    fn outcome(packages: Vec<Package>, steps: Vec<Step>) -> Option<Outcome> {
        outcome_on(None, Sabotage::None, packages, steps)
    }

    fn outcome_on(
        engine: Option<Engine>,
        sabotage: Sabotage,
        packages: Vec<Package>,
        steps: Vec<Step>,
    ) -> Option<Outcome> {
        let nowhere = Path::new("/nowhere");
        let source = Packages::for_test("e2e::run")?;
        let fixtures = Fixtures {
            packages: source,
            layout: nowhere,
            assets: nowhere,
            explain: |error| format!("error: {error:#}"),
        };
        let needs = Needs { installed: packages, ..Needs::default() };
        let cells = vec![("amd64".parse().unwrap(), "arm".parse().unwrap())];
        let job =
            Job { name: "job".to_owned(), about: String::new(), engines_differ: false, cells, needs, steps };
        Some(run(&job, engine, &fixtures, sabotage))
    }

    #[test]
    fn a_daemon_that_does_not_start_is_named_and_the_next_job_runs() {
        let steps = || vec![Step::prints("echo one", "one")];
        let engine = Some(Engine::Docker20);
        let Some(broken) = outcome_on(engine, Sabotage::BreakDaemon, Vec::new(), steps()) else { return };
        let expected = "error: docker20 did not start: it ended (exit status: 7); the end of its log:\n\
                        no daemon today";
        assert_eq!(broken.failure.as_deref().map(str::trim_end), Some(expected));
        assert_eq!(broken.transcript, "");
        assert!(!broken.cells[0].ran);
        let next = outcome(Vec::new(), steps()).unwrap();
        assert_eq!(next.failure, None);
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
            Step::says("echo one; echo two >&2", "two"),
            Step::fails("echo NO >&2; exit 3", "no"),
            Step::prints("echo four", "five"),
            Step::succeeds("echo never"),
        ];
        let Some(outcome) = outcome(Vec::new(), steps) else { return };
        assert_eq!(
            outcome.transcript,
            "$ echo one; echo two >&2\none\ntwo\n$ echo NO >&2; exit 3\nNO\n$ echo four\nfour\n"
        );
        let expected = "error: `echo four`: no line of its output is `five` (exit status: 0)";
        assert_eq!(outcome.failure.as_deref(), Some(expected));
    }
}
