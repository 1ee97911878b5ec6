//! buildx, docker's own client for images at a registry, as a reader of what is said about them.

use attest::statement::{PROVENANCE, SPDX};
use serde_json::Value;
use testbed::Package;

use crate::attest::attested;
use crate::line::Line;
use crate::ship::{packages, registry, sandbox};

/// The commands of docs/security.md, and what is in the parts of the answers that tell of `host`.
#[test]
fn buildx_prints_the_statements() {
    let Some(packages) = packages("buildx_prints_the_statements") else { return };
    let client = ["docker-buildx", "docker-cli"].map(|name| Package::native("sid", name));
    let sandbox = sandbox(&packages, vec![packages.tree("buildx", &client).unwrap()]);
    let (_registry, repository) = registry(&sandbox);
    let line = Line::locked(&["amd64"]);
    let push = ["images", "--kind", "pkg", "--push", "--push-via", "registry", "--repository", &repository];
    line.run(&push).success();

    let page = include_str!("../../../docs/security.md");
    let commands: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("docker buildx imagetools inspect aptman/qus "))
        .collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    let attested = attested(&line);
    for (command, (name, kind)) in commands.into_iter().zip([("SPDX", SPDX), ("SLSA", PROVENANCE)]) {
        let command = command.replace("aptman/qus", &format!("{repository}:pkg"));
        let printed: Value = serde_json::from_str(&sandbox.run(&["sh", "-c", &command]).unwrap()).unwrap();
        assert_eq!(printed[name], attested.json(kind)["predicate"], "{command}");
    }
}
