//! The results that are kept of real programs, and the QEMU that they choose for each cell.

use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use base::Hinted;
use builder::Config;
use debian::lock::Lock;
use results::{ByHand, Choices, Results, Speeds};

/// The results of a workspace; none if there are none.
pub(crate) fn load(workspace: &Path) -> anyhow::Result<Results> {
    read(&workspace.join(results::PATH))
}

/// The results in a file; none if it is not there.
pub(crate) fn read(path: &Path) -> anyhow::Result<Results> {
    Ok(kept(path, "cargo xtask conformance --record", Results::parse)?.unwrap_or_default())
}

/// The times that programs take under each QEMU; `None` if there are none.
pub(crate) fn speeds(workspace: &Path) -> anyhow::Result<Option<Speeds>> {
    kept(&workspace.join(results::SPEEDS), "cargo xtask bench emulation", |text| serde_json::from_str(text))
}

/// The contents of a file that `command` makes; `None` if it is not there.
fn kept<T, E: Display>(
    path: &Path,
    command: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> anyhow::Result<Option<T>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(anyhow::Error::new),
    };
    let hint = format!("`{command}` makes it; an older one is in the history");
    let parsed = text.and_then(|text| {
        parse(&text).map_err(|error| anyhow::Error::new(Hinted::new(error.to_string(), hint)))
    });
    parsed.map(Some).with_context(|| format!("cannot read {}", path.display()))
}

/// The choice of results, and of images.toml, for each cell of `lock`.
pub(crate) fn choose(lock: &Lock, results: &Results, config: &Config) -> Choices {
    results::choices(lock, results, |host, target| {
        config.defaults.of(host, target).map(|(series, is_exact)| ByHand { series, is_exact })
    })
}

/// `lock`, of which the choices are, with them.
pub(crate) fn apply(choices: &Choices, lock: &Lock) -> anyhow::Result<Lock> {
    Ok(choices.lock(lock).map_err(|error| {
        let hint = "`default` in images/images.toml names series that a cell can be taken from";
        Hinted::new(error.to_string(), hint)
    })?)
}
