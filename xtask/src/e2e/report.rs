//! What `cargo xtask e2e` prints.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use testbed::Engine;

use super::job::{Expect, Job};
use super::run::Outcome;
use super::setup;
use crate::report::render;

/// The engines in the order of the table; the first runs every job.
pub(super) const ENGINES: [Engine; 4] = [
    Engine::Docker28 { containerd_store: false },
    Engine::Docker28 { containerd_store: true },
    Engine::Docker20,
    Engine::Podman,
];

/// One job's end, with all that was typed.
pub(super) fn block(outcome: &Outcome) -> String {
    let Outcome { job, engine, time, transcript, failure, .. } = outcome;
    let end = match failure {
        None => "ok".to_owned(),
        Some(failure) => format!("FAILED: {failure}"),
    };
    format!("\n== {job} on {engine}\n{transcript}-- {job} on {engine}: {end} ({:.1} s)\n", time.as_secs_f64())
}

/// Job by engine.
pub(super) fn table(outcomes: &[Outcome], elapsed: Duration) -> String {
    let mut rows = vec![["JOB".to_owned(), String::new(), String::new(), String::new(), String::new()]];
    for (cell, engine) in rows[0][1..].iter_mut().zip(ENGINES) {
        *cell = engine.name().to_uppercase();
    }
    let mut jobs: Vec<&str> = outcomes.iter().map(|outcome| outcome.job.as_str()).collect();
    // Those of one job follow each other.
    jobs.dedup();
    for job in jobs {
        let mut row = [job.to_owned(), "-".to_owned(), "-".to_owned(), "-".to_owned(), "-".to_owned()];
        for (cell, engine) in row[1..].iter_mut().zip(ENGINES) {
            let found = outcomes.iter().find(|outcome| outcome.job == job && outcome.engine == engine);
            if let Some(outcome) = found {
                let end = if outcome.failure.is_none() { "ok" } else { "FAILED" };
                *cell = format!("{end} {:.1} s", outcome.time.as_secs_f64());
            }
        }
        rows.push(row);
    }
    let mut text = format!("\n{}", render(&rows));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n{} runs in {:.0} s", outcomes.len(), elapsed.as_secs_f64());
    let cells: usize = outcomes.iter().map(|outcome| outcome.cells).sum();
    if cells > 0 {
        let hosts = outcomes.iter().filter(|outcome| outcome.cells > 0).count();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "\n{cells} programs of {hosts} hosts' images ran here and said the locked version"
        );
    }
    text
}

#[derive(Serialize)]
struct OutcomeJson<'a> {
    job: &'a str,
    engine: &'a str,
    passed: bool,
    seconds: f64,
    /// How many programs of an image said their versions.
    cells: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
}

#[derive(Serialize)]
struct Json<'a> {
    jobs: Vec<OutcomeJson<'a>>,
    /// What of the machine is not as it was before.
    changes: &'a [String],
}

pub(super) fn json(outcomes: &[Outcome], changes: &[String]) -> serde_json::Result<String> {
    let jobs = outcomes.iter().map(|outcome| OutcomeJson {
        job: &outcome.job,
        engine: outcome.engine.name(),
        passed: outcome.failure.is_none(),
        seconds: outcome.time.as_secs_f64(),
        cells: outcome.cells,
        failure: outcome.failure.as_deref(),
    });
    serde_json::to_string_pretty(&Json { jobs: jobs.collect(), changes }).map(|text| text + "\n")
}

/// What `--list` prints: jobs with their engines.
pub(super) fn list(jobs: &[(&Job, &[Engine])]) -> String {
    let mut rows = vec![["JOB".to_owned(), "ENGINES".to_owned(), "WHAT".to_owned()]];
    for (job, engines) in jobs {
        let engines = match engines {
            [] => "none".to_owned(),
            all if **all == ENGINES => "all".to_owned(),
            some => some.iter().map(|engine| engine.name()).collect::<Vec<_>>().join(", "),
        };
        rows.push([job.name.clone(), engines, job.about.clone()]);
    }
    render(&rows)
}

#[derive(Serialize)]
struct ListedJson<'a> {
    job: &'a str,
    /// The engines that it would run on; empty if it uses none.
    engines: Vec<&'a str>,
    about: &'a str,
}

/// The same as JSON.
pub(super) fn list_json<'a>(jobs: &[(&'a Job, &[Engine])]) -> serde_json::Result<String> {
    let listed = |(job, engines): &(&'a Job, &[Engine])| ListedJson {
        job: &job.name,
        engines: engines.iter().map(|engine| engine.name()).collect(),
        about: &job.about,
    };
    serde_json::to_string_pretty(&jobs.iter().map(listed).collect::<Vec<_>>()).map(|text| text + "\n")
}

/// The table of the seventeen setups, and what is typed for each.
pub(super) fn markdown(jobs: &[Job]) -> String {
    let mut text = setup::table();
    for job in jobs {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n### {}\n\n{}.\n\n```console\n", job.name, job.about);
        for step in &job.steps {
            let _ = writeln!(text, "$ {}", step.command.replace('\n', "\n> "));
            match &step.expect {
                Expect::Line(line) => text.push_str(&format!("{line}\n")),
                Expect::Failure => text.push_str("(fails: nothing is registered)\n"),
                Expect::Success | Expect::Contains(_) | Expect::Begins(_) => {}
            }
        }
        text.push_str("```\n");
    }
    text
}
