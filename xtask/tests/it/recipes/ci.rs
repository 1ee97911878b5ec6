//! The use that CI systems make of their files: scripts, as a runner starts them.

use std::fs;
use std::path::Path;

use yaml_rust2::Yaml;

use crate::workflow::{Map, map};

/// A script that a runner gives to a shell.
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) variables: Map,
}

/// GitLab: each job's `script` is one shell script that ends at the first command that fails.
pub(crate) fn gitlab(document: &Yaml) -> Vec<Script> {
    let jobs = document.as_hash().unwrap().values();
    jobs.map(|job| {
        let lines = job["script"].as_vec().unwrap().iter().map(|line| line.as_str().unwrap());
        Script { text: lines.collect::<Vec<_>>().join("\n"), variables: map(&job["variables"]) }
    })
    .collect()
}

/// GitLab's Docker executor: each job's script goes to the shell of its image, which is started through the image's entrypoint. The
/// runner's settings say with which volumes.
pub(crate) fn gitlab_image(document: &Yaml, runner: &str) -> Vec<Script> {
    let runner: toml::Table = runner.parse().unwrap();
    let docker = &runner["runners"][0]["docker"];
    assert_eq!(docker["privileged"].as_bool(), Some(false));
    let volumes = docker["volumes"].as_array().unwrap().iter().map(|volume| volume.as_str().unwrap());
    let volumes: String = volumes.map(|volume| format!(" -v {volume}")).collect();
    let jobs = gitlab(document).into_iter().zip(document.as_hash().unwrap().values());
    jobs.map(|(script, job)| {
        let image = &job["image"];
        let word = |value: &Yaml| value.as_str().unwrap().to_owned();
        let [entrypoint] = image["entrypoint"].as_vec().unwrap().as_slice() else { panic!("{image:?}") };
        let (name, platform) = (word(&image["name"]), word(&image["docker"]["platform"]));
        let entrypoint = word(entrypoint);
        // As shells/bash.go of gitlab-runner finds a shell.
        let shell = "if [ -x /bin/bash ]; then exec /bin/bash; elif [ -x /bin/sh ]; then exec /bin/sh; \
                     elif [ -x /usr/bin/sh ]; then exec /usr/bin/sh; else exit 1; fi";
        let text = format!(
            "docker run --rm -i --platform {platform} --entrypoint {entrypoint}{volumes} {name} sh -c '{shell}' <<'END'\n\
             set -e\n{}\nEND",
            script.text
        );
        Script { text, ..script }
    })
    .collect()
}

/// GitHub: the steps of a workflow's jobs, or of a part of a job.
pub(crate) fn github(document: &Yaml) -> Vec<Script> {
    let steps: Vec<&Yaml> = match (document.as_vec(), document["jobs"].as_hash()) {
        (Some(steps), _) => steps.iter().collect(),
        (None, jobs) => jobs.unwrap().values().flat_map(|job| job["steps"].as_vec().unwrap()).collect(),
    };
    steps.into_iter().map(step).collect()
}

fn step(step: &Yaml) -> Script {
    let inputs = map(&step["with"]);
    let action = step["uses"].as_str().map(|uses| uses.split_once('@').unwrap().0);
    match action {
        None => Script { text: step["run"].as_str().unwrap().to_owned(), variables: Map::new() },
        Some("dbhi/qus/action") => {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../action/setup.sh");
            let output = ("GITHUB_OUTPUT".to_owned(), "/tmp/output".to_owned());
            let variables =
                inputs.into_iter().map(|(key, value)| (format!("QUS_{}", key.to_uppercase()), value));
            Script { text: fs::read_to_string(file).unwrap(), variables: variables.chain([output]).collect() }
        }
        // What it calls its image with (its src/main.ts).
        Some("docker/setup-qemu-action") => {
            let run = format!("docker run --rm --privileged {}", inputs["image"]);
            let text = format!("{run} --install {}\n{run}", inputs["platforms"]);
            Script { text, variables: Map::new() }
        }
        Some(action) => panic!("what does {action} run?"),
    }
}
