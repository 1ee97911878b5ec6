//! The output of `cargo xtask e2e`.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use testbed::Engine;

use crate::job::{Expect, Job};
use crate::machine::Changes;
use crate::run::Outcome;
use crate::{matrix, setup};

/// The engines in the order of the table; the first runs every job.
pub(super) const ENGINES: [Engine; 4] = [
    Engine::Docker28 { containerd_store: false },
    Engine::Docker28 { containerd_store: true },
    Engine::Docker20,
    Engine::Podman,
];

/// The name of the engine of a run.
pub(super) fn engine(engine: Option<Engine>) -> &'static str {
    engine.map_or("none", Engine::name)
}

/// One job's end, with all its commands.
pub(super) fn block(outcome: &Outcome) -> String {
    let Outcome { job, engine, time, transcript, failure, .. } = outcome;
    let engine = self::engine(*engine);
    let end = match failure {
        None => "ok".to_owned(),
        Some(failure) => format!("FAILED: {failure}"),
    };
    format!("\n== {job} on {engine}\n{transcript}-- {job} on {engine}: {end} ({:.1} s)\n", time.as_secs_f64())
}

/// Job by engine, and what of the images' programs ran.
pub(super) fn table(outcomes: &[Outcome], elapsed: Duration) -> String {
    let columns = ENGINES.map(Some).into_iter().chain([None]);
    let mut rows = vec![[const { String::new() }; 6]];
    rows[0][0] = "JOB".to_owned();
    for (cell, column) in rows[0][1..].iter_mut().zip(columns.clone()) {
        *cell = engine(column).to_uppercase();
    }
    let mut jobs: Vec<&str> = outcomes.iter().map(|outcome| outcome.job.as_str()).collect();
    // Those of one job follow each other.
    jobs.dedup();
    for job in jobs {
        let mut row = [const { String::new() }; 6].map(|_| "-".to_owned());
        row[0] = job.to_owned();
        for (cell, column) in row[1..].iter_mut().zip(columns.clone()) {
            let found = outcomes.iter().find(|outcome| outcome.job == job && outcome.engine == column);
            if let Some(outcome) = found {
                let end = if outcome.failure.is_none() { "ok" } else { "FAILED" };
                *cell = format!("{end} {:.1} s", outcome.time.as_secs_f64());
            }
        }
        rows.push(row);
    }
    let mut text = format!("\n{}", base::table(&rows));
    // Writing to a String cannot fail.
    let _ =
        writeln!(text, "\n{} in {:.0} s", base::count(outcomes.len(), "run", "runs"), elapsed.as_secs_f64());
    text.push_str(&matrix::table(&matrix::cells(outcomes)));
    text
}

#[derive(Serialize)]
struct OutcomeJson<'a> {
    job: &'a str,
    engine: &'a str,
    passed: bool,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
}

#[derive(Serialize)]
struct Json<'a> {
    jobs: Vec<OutcomeJson<'a>>,
    /// The programs of the hosts' images, and whether each has printed the locked version.
    cells: Vec<matrix::CellJson>,
    /// The differences of the machine from before.
    changes: &'a [String],
    /// The changes that others have made meanwhile.
    others: &'a [String],
}

pub(super) fn json(outcomes: &[Outcome], changes: &Changes) -> serde_json::Result<String> {
    let jobs = outcomes.iter().map(|outcome| OutcomeJson {
        job: &outcome.job,
        engine: engine(outcome.engine),
        passed: outcome.failure.is_none(),
        seconds: outcome.time.as_secs_f64(),
        failure: outcome.failure.as_deref(),
    });
    let cells = matrix::json(&matrix::cells(outcomes));
    let json = Json { jobs: jobs.collect(), cells, changes: &changes.ours, others: &changes.others };
    serde_json::to_string_pretty(&json).map(|text| text + "\n")
}

/// The output of `--list`, if the engines `asked` were asked for.
pub(super) fn list(jobs: &[Job], asked: &[Engine]) -> String {
    let mut rows = vec![["JOB".to_owned(), "ENGINES".to_owned(), "WHAT".to_owned()]];
    for job in jobs {
        let engines = crate::engines_of(job, asked);
        let engines = match engines.len() == ENGINES.len() {
            true => "all".to_owned(),
            false => engines.into_iter().map(engine).collect::<Vec<_>>().join(", "),
        };
        rows.push([job.name.to_owned(), engines, job.about.clone()]);
    }
    base::table(&rows)
}

#[derive(Serialize)]
struct ListedJson<'a> {
    job: &'a str,
    /// The engines that it would run on; empty if it uses none.
    engines: Vec<&'a str>,
    about: &'a str,
}

/// The same as JSON.
pub(super) fn list_json<'a>(jobs: &'a [Job], asked: &[Engine]) -> serde_json::Result<String> {
    let listed = |job: &'a Job| ListedJson {
        job: &job.name,
        engines: crate::engines_of(job, asked).into_iter().flatten().map(Engine::name).collect(),
        about: &job.about,
    };
    serde_json::to_string_pretty(&jobs.iter().map(listed).collect::<Vec<_>>()).map(|text| text + "\n")
}

/// The table of the seventeen setups, and the commands of each.
pub(super) fn markdown(jobs: &[Job]) -> String {
    let mut text = setup::table();
    for job in jobs {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n### {}\n\n{}.\n\n```console\n", job.name, job.about);
        for step in &job.steps {
            let _ = writeln!(text, "$ {}", step.command.replace('\n', "\n> "));
            match &step.expect {
                Expect::Line(line) => text.push_str(&format!("{line}\n")),
                Expect::Failure(_) => text.push_str("(fails: nothing is registered)\n"),
                Expect::Success | Expect::Contains(_) | Expect::Says(_) | Expect::Begins(_) => {}
            }
        }
        text.push_str("```\n");
    }
    text
}
