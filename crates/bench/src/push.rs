//! Pushing to a registry on this machine, and pushing again when nothing has changed.

use std::collections::BTreeMap;

use testbed::registry::Options as RegistryOptions;
use testbed::sandbox::{Network, Options};
use testbed::{Packages, Registry, Sandbox};

use crate::child;
use crate::scratch::Scratch;

/// One push.
pub(crate) struct Push {
    /// Its time in seconds.
    pub(crate) wall: f64,
    /// Its requests, by method.
    pub(crate) requests: BTreeMap<String, usize>,
}

/// The figures of one measurement.
pub(crate) struct Measured {
    /// The first push.
    pub(crate) first: Push,
    /// The pushes after it, of what is there already.
    pub(crate) again: Vec<Push>,
    /// The first push of images that nothing is said about.
    pub(crate) bare: Push,
}

/// Pushes the scratch layout, which is complete, and then `runs` times more; and at last another one without statements.
pub(crate) fn run(packages: &Packages, scratch: &Scratch, runs: usize) -> anyhow::Result<Measured> {
    let (first, again) = {
        let sandbox = start(packages)?;
        let registry = Registry::start(&sandbox, &RegistryOptions::default())?;
        let push = || push(scratch, "all", &registry);
        (push()?, (0..runs).map(|_| push()).collect::<anyhow::Result<_>>()?)
    };
    // Built before, as the others are.
    child::run(scratch.images().args(["--level", "quick", "--attest", "none"]), "images --attest none")?;
    let sandbox = start(packages)?;
    let registry = Registry::start(&sandbox, &RegistryOptions::default())?;
    let bare = push(scratch, "none", &registry)?;
    Ok(Measured { first, again, bare })
}

fn start(packages: &Packages) -> anyhow::Result<Sandbox> {
    let tree = packages.tree("registry", &Registry::packages())?;
    let options = Options { trees: vec![&tree], network: Network::Host, ..Options::default() };
    Ok(Sandbox::start(packages, &options)?)
}

/// One push, with these statements about the images.
fn push(scratch: &Scratch, statements: &str, registry: &Registry<'_>) -> anyhow::Result<Push> {
    let before = registry.log().len();
    let mut command = scratch.images();
    command.args(["--attest", statements, "--level", "quick"]);
    command.args(["--push", "--push-via", "registry", "--repository"]);
    command.arg(format!("{}/qus", registry.address()));
    let run = child::run(&mut command, "images --push")?;
    Ok(Push { wall: run.wall, requests: requests(&registry.log().split_off(before)) })
}

/// The number of requests of each method in a registry's log: one line each, when it was answered.
fn requests(log: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in log.lines().filter(|line| line.contains("response completed")) {
        let method = line.split_once("http.request.method=").map_or("", |(_, rest)| rest);
        let method = method.split([' ', '"']).find(|part| !part.is_empty()).unwrap_or("?");
        *counts.entry(method.to_owned()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answered_requests_are_counted_by_method() {
        let log = "time=1 level=info msg=\"response completed\" http.request.method=HEAD http.request.uri=/v2/\n\
                   127.0.0.1 - - [now] \"HEAD /v2/ HTTP/1.1\" 200\n\
                   time=2 level=info msg=\"response completed\" http.request.method=PUT x=y\n\
                   time=3 level=info msg=\"response completed\" http.request.method=HEAD x=y\n";
        assert_eq!(requests(log), [("HEAD".to_owned(), 2), ("PUT".to_owned(), 1)].into());
    }
}
