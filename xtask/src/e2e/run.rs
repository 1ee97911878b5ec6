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
