//! The output of `cargo xtask e2e`.

use std::fmt::Write as _;

use serde::Serialize;
use testbed::Engine;

use crate::job::{Expect, Job};
use crate::run::Outcome;
use crate::{Jobs, Results, matrix, setup};

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

impl Results {
    /// Job by engine, and what of the images' programs ran.
    pub fn table(&self) -> String {
        let Results { outcomes, elapsed, .. } = self;
        let columns = ENGINES.map(Some).into_iter().chain([None]);
        let cell = |job: &str, column| {
            let found = outcomes.iter().find(|outcome| outcome.job == job && outcome.engine == column);
            found.map_or("-".to_owned(), |outcome| {
                let end = if outcome.failure.is_none() { "ok" } else { "FAILED" };
                format!("{end} {:.1} s", outcome.time.as_secs_f64())
            })
        };
        let row = |first: &str, cells: Vec<String>| [vec![first.to_owned()], cells].concat();
        let mut jobs: Vec<&str> = outcomes.iter().map(|outcome| outcome.job.as_str()).collect();
        // Those of one job follow each other.
        jobs.dedup();
        let mut rows =
            vec![row("JOB", columns.clone().map(|column| engine(column).to_uppercase()).collect())];
        rows.extend(
            jobs.into_iter().map(|job| row(job, columns.clone().map(|column| cell(job, column)).collect())),
        );
        let mut text = format!("\n{}", base::table(&rows));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "\n{} in {:.0} s",
            base::count(outcomes.len(), "run", "runs"),
            elapsed.as_secs_f64()
        );
        text.push_str(&matrix::table(&matrix::cells(outcomes)));
        text
    }

    /// The same as JSON, with what has changed.
    pub fn json(&self) -> serde_json::Result<String> {
        let Results { outcomes, changes, .. } = self;
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
}

impl Jobs {
    /// A line for each job, if these engines were asked for.
    pub fn list(&self, engines: &[Engine]) -> String {
        let mut rows = vec![["JOB".to_owned(), "ENGINES".to_owned(), "WHAT".to_owned()]];
        for job in &self.0 {
            let engines = crate::engines_of(job, engines);
            let engines = match engines.len() == ENGINES.len() {
                true => "all".to_owned(),
                false => engines.into_iter().map(engine).collect::<Vec<_>>().join(", "),
            };
            rows.push([job.name.to_owned(), engines, job.about.clone()]);
        }
        base::table(&rows)
    }

    /// The same as JSON.
    pub fn list_json(&self, engines: &[Engine]) -> serde_json::Result<String> {
        let listed = self.0.iter().map(|job| ListedJson {
            job: &job.name,
            engines: crate::engines_of(job, engines).into_iter().flatten().map(Engine::name).collect(),
            about: &job.about,
        });
        serde_json::to_string_pretty(&listed.collect::<Vec<_>>()).map(|text| text + "\n")
    }
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

#[derive(Serialize)]
struct ListedJson<'a> {
    job: &'a str,
    /// The engines that it would run on; empty if it uses none.
    engines: Vec<&'a str>,
    about: &'a str,
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
