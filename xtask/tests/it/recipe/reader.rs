//! The readers of recipes' files, and with that the test that tries them.

use yaml_rust2::{Yaml, YamlLoader};

/// A reader of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The commands of its section.
    Commands,
    GitHub,
    GitLab,
    /// GitLab's runner, which starts a job's shell in its image.
    GitLabImage,
    Kubernetes,
    Systemd,
}

impl Reader {
    /// The reader of the file `name`.
    ///
    /// # Panics
    ///
    /// If there is none: then no test tries the file.
    pub(crate) fn of(name: &str) -> Reader {
        match name {
            // `runner.toml` is read along with the job.
            "compose.yaml" | "Dockerfile" | "pod.yaml" | "runner.toml" => Reader::Commands,
            "workflow.yaml" | "steps-action.yaml" | "steps-run.yaml" => Reader::GitHub,
            ".gitlab-ci.yml" => Reader::GitLab,
            "gitlab-run.yml" => Reader::GitLabImage,
            "qus.yaml" => Reader::Kubernetes,
            "qus.service" => Reader::Systemd,
            _ => panic!("no test tries the file {name}"),
        }
    }

    /// The place where the file is tried.
    pub(crate) fn engine(self) -> Option<&'static str> {
        match self {
            Reader::Commands => None,
            Reader::GitHub | Reader::GitLab | Reader::GitLabImage => Some("docker28"),
            Reader::Kubernetes => Some("podman5"),
            Reader::Systemd => Some("systemd"),
        }
    }

    /// The page's words for the trial.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Reader::Commands => &[],
            Reader::GitHub => &["its steps", "`actionlint`"],
            Reader::GitLab | Reader::GitLabImage => &["its script"],
            Reader::Kubernetes => &["`podman kube play`", "schema"],
            Reader::Systemd => &["`systemd-analyze verify`"],
        }
    }
}

/// The page's words for the place of a run.
pub(crate) fn words(engine: &str) -> &'static str {
    match engine {
        "docker20" => "Docker 20.10",
        "docker28" => "Docker 28",
        "podman" => "podman 4.3",
        "podman5" => "podman 5",
        "rootless" => "podman 5 of a user",
        "systemd" => "systemd 252",
        _ => panic!("there is no engine {engine}"),
    }
}

/// The one document of a file.
pub(crate) fn document(name: &str, text: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0)
}
