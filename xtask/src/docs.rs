//! `cargo xtask docs`: the parts of the documentation that are made from the code and from what is recorded, between markers in the
//! pages.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use manual::tables;

use crate::cli::full::DocsArgs;
use crate::{choice, context};

/// A part: the page, what its markers are called, and what belongs between them in a workspace.
type Part = (&'static str, &'static str, fn(&Path) -> anyhow::Result<String>);

const PARTS: [Part; 12] = [
    ("README.md", "setups", |_| Ok(e2e::setups_table())),
    ("docs/conformance.md", "results", |workspace| Ok(e2e::conformance::summary(&choice::load(workspace)?)?)),
    ("docs/faster.md", "models", |_| Ok(tables::models())),
    ("docs/faster.md", "model-speeds", |workspace| speeds(workspace, bench::emulation::tables::models)),
    ("docs/faster.md", "releases", |workspace| speeds(workspace, bench::emulation::tables::releases)),
    ("docs/faster.md", "links", |workspace| speeds(workspace, bench::emulation::tables::links)),
    ("docs/faster.md", "native", |workspace| speeds(workspace, bench::emulation::tables::native)),
    ("docs/images.md", "targets", |_| Ok(tables::targets())),
    ("docs/register.md", "options", |_| Ok(tables::register_options())),
    ("docs/register.md", "binfmt-options", |_| Ok(tables::binfmt_options())),
    ("docs/register.md", "environment", |_| Ok(tables::environment())),
    ("docs/setups.md", "setups", |_| Ok(e2e::setups())),
];

pub(crate) fn run(args: &DocsArgs) -> anyhow::Result<ExitCode> {
    let stale = stale(&context::workspace()?)?;
    for (path, text) in &stale {
        if !args.check {
            files::write(path, text)?;
        }
        ui::print(&format!("{}\n", path.display()))?;
    }
    Ok(if args.check && !stale.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A table of the times that are kept; none without them.
fn speeds(workspace: &Path, table: fn(&results::Speeds) -> String) -> anyhow::Result<String> {
    Ok(choice::speeds(workspace)?.map_or_else(String::new, |speeds| table(&speeds)))
}

/// The pages that are not as they should be, with how they should be.
fn stale(workspace: &Path) -> anyhow::Result<Vec<(std::path::PathBuf, String)>> {
    let mut pages: Vec<&str> = PARTS.iter().map(|(page, ..)| *page).collect();
    pages.dedup();
    let mut stale = Vec::new();
    for page in pages {
        let path = workspace.join(page);
        let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut new = old.clone();
        for (_, name, content) in PARTS.iter().filter(|(of, ..)| *of == page) {
            new = base::fill(&new, name, &content(workspace)?)
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("cannot fill {page}"))?;
        }
        if new != old {
            stale.push((path, new));
        }
    }
    Ok(stale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_are_as_the_code_says() {
        let stale = stale(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
        let pages: Vec<_> = stale.iter().map(|(path, _)| path).collect();
        assert!(stale.is_empty(), "run `cargo xtask docs`: {pages:?}");
    }
}
