//! A workflow as GitHub reads it, as far as ours go: what is written in another form is a failure, never passed over.

mod runner;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use yaml_rust2::{Yaml, YamlLoader};

pub(crate) use runner::{Ran, Runner};

/// Names with values, some of them with expressions in them.
pub(crate) type Map = BTreeMap<String, String>;

pub(crate) struct Workflow {
    pub(crate) env: Map,
    pub(crate) permissions: Map,
    /// In the order of the file, in which each comes after those that it needs.
    pub(crate) jobs: Vec<Job>,
}

pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) needs: Vec<String>,
    /// The hosts of its matrix; one that is empty if it has none.
    pub(crate) hosts: Vec<String>,
    pub(crate) env: Map,
    /// Those of its own, in place of the workflow's.
    pub(crate) permissions: Map,
    pub(crate) outputs: Map,
    pub(crate) steps: Vec<Step>,
}

pub(crate) struct Step {
    pub(crate) id: Option<String>,
    pub(crate) condition: Option<String>,
    pub(crate) env: Map,
    pub(crate) action: Action,
}

pub(crate) enum Action {
    Run(String),
    /// An action's name, without its commit, and its inputs.
    Uses(String, Map),
}

/// The text of one of the repository's workflows.
pub(crate) fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows").join(name);
    fs::read_to_string(path).unwrap()
}

impl Workflow {
    pub(crate) fn read(name: &str) -> Workflow {
        Workflow::parse(&text(name))
    }

    pub(crate) fn parse(text: &str) -> Workflow {
        let document = &YamlLoader::load_from_str(text).unwrap()[0];
        let mut jobs: Vec<Job> = Vec::new();
        for (name, job) in document["jobs"].as_hash().unwrap() {
            let job = Job::parse(name.as_str().unwrap(), job);
            for needed in &job.needs {
                assert!(jobs.iter().any(|job| job.name == *needed), "{} needs {needed}", job.name);
            }
            jobs.push(job);
        }
        Workflow { env: map(&document["env"]), permissions: map(&document["permissions"]), jobs }
    }

    pub(crate) fn job(&self, name: &str) -> &Job {
        self.jobs.iter().find(|job| job.name == name).unwrap_or_else(|| panic!("no job {name}"))
    }
}

impl Job {
    fn parse(name: &str, job: &Yaml) -> Job {
        known(
            job,
            &[
                "name",
                "needs",
                "runs-on",
                "timeout-minutes",
                "environment",
                "permissions",
                "strategy",
                "env",
                "outputs",
                "steps",
            ],
        );
        let mut hosts = strings(&job["strategy"]["matrix"]["host"]);
        if hosts.is_empty() {
            assert!(job["strategy"].is_badvalue(), "{name}: a matrix of something else");
            hosts.push(String::new());
        }
        Job {
            name: name.to_owned(),
            needs: strings(&job["needs"]),
            hosts,
            env: map(&job["env"]),
            permissions: map(&job["permissions"]),
            outputs: map(&job["outputs"]),
            steps: job["steps"].as_vec().unwrap().iter().map(Step::parse).collect(),
        }
    }
}

impl Step {
    fn parse(step: &Yaml) -> Step {
        known(step, &["id", "if", "run", "uses", "with", "env"]);
        let text = |key: &str| step[key].as_str().map(str::to_owned);
        let action = match (text("run"), text("uses")) {
            (Some(command), None) => {
                // Every step is one line, so that it can be run by hand.
                assert!(!command.contains('\n'), "more than a line: {command}");
                Action::Run(command)
            }
            (None, Some(uses)) => {
                let (name, commit) = uses.split_once('@').unwrap();
                let pinned = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
                assert!(pinned, "not pinned: {uses}");
                Action::Uses(name.to_owned(), map(&step["with"]))
            }
            _ => panic!("a step runs a command or uses an action: {step:?}"),
        };
        Step { id: text("id"), condition: text("if"), env: map(&step["env"]), action }
    }
}

/// True if a step with this condition runs, after a step that failed or not, in `folder`. `values` has what steps put out.
pub(crate) fn holds(condition: Option<&str>, failed: bool, folder: &Path, values: &Map) -> bool {
    let Some(condition) = condition else { return !failed };
    let inner = condition.strip_prefix("${{").and_then(|inner| inner.strip_suffix("}}"));
    let condition = inner.unwrap_or(condition).trim();
    match condition {
        "always()" => return true,
        "failure()" => return failed,
        "success()" => return !failed,
        _ => {}
    }
    // Without a call of these, `success()` is a part of every condition.
    if condition.starts_with("steps.") || condition.starts_with("needs.") {
        let compared = condition.strip_suffix('\'').and_then(|rest| rest.split_once(" == '"));
        let (output, value) = compared.unwrap_or_else(|| panic!("unknown condition: {condition}"));
        // What no step or job has put out is empty.
        return !failed && values.get(output).map_or("", String::as_str) == value;
    }
    let file = condition.strip_prefix("hashFiles('").and_then(|rest| rest.split_once("')"));
    match file {
        Some((path, " != ''")) => !failed && folder.join(path).exists(),
        Some((path, " == ''")) => !failed && !folder.join(path).exists(),
        _ => panic!("unknown condition: {condition}"),
    }
}

/// `text` with its expressions replaced by what `values` has for them.
pub(crate) fn expand(text: &str, values: &Map) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, after) = after.split_once("}}").unwrap();
        let expression = expression.trim();
        expanded.push_str(before);
        match values.get(expression) {
            Some(value) => expanded.push_str(value),
            // What no step has put out is empty.
            None => assert!(expression.starts_with("steps."), "unknown expression: {expression}"),
        }
        rest = after;
    }
    expanded + rest
}

/// Fails for a key that nothing here looks at.
fn known(yaml: &Yaml, keys: &[&str]) {
    for key in yaml.as_hash().unwrap().keys() {
        let key = key.as_str().unwrap();
        assert!(keys.contains(&key), "unknown key: {key}");
    }
}

fn map(yaml: &Yaml) -> Map {
    let Some(hash) = yaml.as_hash() else { return Map::new() };
    let text = |yaml: &Yaml| yaml.as_str().map(str::to_owned).or_else(|| Some(yaml.as_bool()?.to_string()));
    hash.iter().map(|(key, value)| (text(key).unwrap(), text(value).unwrap())).collect()
}

/// One string, or a list of them.
fn strings(yaml: &Yaml) -> Vec<String> {
    match yaml {
        Yaml::String(text) => vec![text.clone()],
        Yaml::Array(list) => list.iter().map(|text| text.as_str().unwrap().to_owned()).collect(),
        _ => Vec::new(),
    }
}
