//! A workflow as GitHub reads it, as far as ours go: what is written in another form is a failure, never passed over.

mod runner;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use yaml_rust2::{Yaml, YamlLoader};

pub(crate) use runner::Runner;

/// Names with values, some of them with expressions in them.
pub(crate) type Map = BTreeMap<String, String>;

/// The keys of jobs and of steps that are looked at here, or by nothing but GitHub.
const JOB: &str = "name needs runs-on timeout-minutes environment permissions strategy env outputs steps";
const STEP: &str = "id if run uses with env";

pub(crate) fn read(name: &str) -> Yaml {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows").join(name);
    let workflow = YamlLoader::load_from_str(&fs::read_to_string(path).unwrap()).unwrap().remove(0);
    for (name, job) in jobs(&workflow) {
        known(job, JOB);
        known(&job["strategy"], "fail-fast matrix");
        known(&job["strategy"]["matrix"], "host");
        for step in steps(job) {
            known(step, STEP);
            match (step["run"].as_str(), step["uses"].as_str()) {
                // Every step is one line, so that it can be run by hand.
                (Some(command), None) => assert!(!command.contains('\n'), "more than a line: {command}"),
                (None, Some(uses)) => {
                    let (_, commit) = uses.split_once('@').unwrap();
                    let pinned = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
                    assert!(pinned, "not pinned: {uses}");
                }
                _ => panic!("{name}: a step runs a command or uses an action: {step:?}"),
            }
        }
    }
    workflow
}

pub(crate) fn jobs(workflow: &Yaml) -> impl Iterator<Item = (&str, &Yaml)> {
    workflow["jobs"].as_hash().unwrap().iter().map(|(name, job)| (name.as_str().unwrap(), job))
}

pub(crate) fn steps(job: &Yaml) -> &[Yaml] {
    job["steps"].as_vec().unwrap()
}

/// The commands of a job.
pub(crate) fn commands(job: &Yaml) -> Vec<&str> {
    steps(job).iter().filter_map(|step| step["run"].as_str()).collect()
}

/// The hosts of a job's matrix.
pub(crate) fn hosts(job: &Yaml) -> Vec<&str> {
    strings(&job["strategy"]["matrix"]["host"])
}

/// Names with values; none where there is nothing.
pub(crate) fn map(yaml: &Yaml) -> Map {
    let text = |yaml: &Yaml| yaml.as_str().map(str::to_owned).or_else(|| Some(yaml.as_bool()?.to_string()));
    yaml.as_hash()
        .into_iter()
        .flatten()
        .map(|(key, value)| (text(key).unwrap(), text(value).unwrap()))
        .collect()
}

/// One string, or a list of them; none where there is nothing.
pub(crate) fn strings(yaml: &Yaml) -> Vec<&str> {
    match yaml.as_vec() {
        Some(list) => list.iter().map(|text| text.as_str().unwrap()).collect(),
        None => yaml.as_str().into_iter().collect(),
    }
}

/// Fails for a key that nothing here looks at.
fn known(yaml: &Yaml, keys: &str) {
    for key in yaml.as_hash().into_iter().flat_map(|hash| hash.keys()) {
        let key = key.as_str().unwrap();
        assert!(keys.split(' ').any(|known| known == key), "unknown key: {key}");
    }
}
