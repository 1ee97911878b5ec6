//! The results that are kept of real programs, and the QEMU that they choose for each cell.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use arch::Host;
use base::Hinted;
use builder::Config;
use debian::lock::Lock;
use results::{ByHand, Choices, Results, Speeds};
use ui::Ui;

/// The results of a workspace; none if there are none.
pub(crate) fn load(workspace: &Path) -> anyhow::Result<Results> {
    read(&workspace.join(results::PATH))
}

/// The results in a file; none if it is not there.
pub(crate) fn read(path: &Path) -> anyhow::Result<Results> {
    let cannot_read = || format!("cannot read {}", path.display());
    match fs::read_to_string(path) {
        Ok(text) => Ok(Results::parse(&text)
            .map_err(|error| {
                let hint = "`cargo xtask conformance --record` makes it; an older one is in the history";
                Hinted::new(error.to_string(), hint)
            })
            .with_context(cannot_read)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Results::default()),
        Err(error) => Err(error).with_context(cannot_read),
    }
}

/// The times that programs take under each QEMU; `None` if there are none.
pub(crate) fn speeds(workspace: &Path) -> anyhow::Result<Option<Speeds>> {
    let path = workspace.join(results::SPEEDS);
    let cannot_read = || format!("cannot read {}", path.display());
    match fs::read(&path) {
        Ok(json) => Ok(Some(
            serde_json::from_slice(&json)
                .map_err(|error| {
                    let hint = "`cargo xtask bench emulation` makes it; an older one is in the history";
                    Hinted::new(error.to_string(), hint)
                })
                .with_context(cannot_read)?,
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(cannot_read),
    }
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

/// Reports the cells that are not of the newest QEMU, and the results that do not count.
pub(crate) fn say(choices: &Choices, ui: &Ui) {
    let mut lines: BTreeMap<(Host, String), BTreeSet<&str>> = BTreeMap::new();
    for ((host, target), choice) in choices.cells() {
        if choice.is_older() {
            let text = format!("{}, not {}: {}", choice.qemu, choice.newest, choice.text());
            lines.entry((*host, text)).or_default().insert(target.name());
        }
        for stale in &choice.stale {
            lines.entry((*host, stale.to_string())).or_default().insert(target.name());
        }
    }
    for ((host, text), targets) in lines {
        let targets: Vec<&str> = targets.into_iter().collect();
        ui.say(format!("{} for {host}: {text}", targets.join(", ")));
    }
}
