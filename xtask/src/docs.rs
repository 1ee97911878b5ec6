//! `cargo xtask docs`: the parts of the documentation that are made from the code, between markers in the pages.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use arch::{Status, Target};
use manual::meaning;
use register::environment::VARIABLES;
use register::help::outline::{self, Block};
use register::help::{BINFMT, REGISTER};

use crate::cli::full::DocsArgs;

use crate::context;

/// A part: the page, what its markers are called, and what belongs between them.
type Part = (&'static str, &'static str, fn() -> String);

const PARTS: [Part; 6] = [
    ("README.md", "setups", e2e::setups_table),
    ("docs/images.md", "targets", targets),
    ("docs/register.md", "options", || options(REGISTER)),
    ("docs/register.md", "binfmt-options", || options(BINFMT)),
    ("docs/register.md", "environment", environment),
    ("docs/setups.md", "setups", e2e::setups),
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
            new = base::fill(&new, name, &content())
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("cannot fill {page}"))?;
        }
        if new != old {
            stale.push((path, new));
        }
    }
    Ok(stale)
}

/// A table for each group of options.
fn options(help: &'static str) -> String {
    let mut text = String::new();
    for block in outline::blocks(help) {
        let Block::Options { title, options } = block else { continue };
        text.push_str(&format!("| {} | |\n|---|---|\n", title.unwrap_or("Option").replace("--", "`--`")));
        for option in options {
            let names: Vec<String> = option.names.iter().map(|name| format!("`{name}`")).collect();
            let value = option.value.map(|value| format!(" `{value}`")).unwrap_or_default();
            text.push_str(&format!(
                "| {}{} | {} |\n",
                names.join(", "),
                escaped(&value),
                escaped(&meaning(&option))
            ));
        }
        text.push('\n');
    }
    text
}

fn environment() -> String {
    let mut text = String::from("| variable | meaning |\n|---|---|\n");
    for (name, meaning) in VARIABLES {
        text.push_str(&format!("| `{name}` | {} |\n", escaped(meaning)));
    }
    text
}

fn targets() -> String {
    let mut text = String::from("| target | also known as | |\n|---|---|---|\n");
    for target in Target::all() {
        let names = target.aliases().iter().map(|name| (*name).to_owned()).chain(target.variant_names());
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        let what = match target.status() {
            Status::Current => "",
            Status::Retired => "QEMU has dropped it; only by name",
            Status::Shared => "an entry of its own, with the binary of `i386`",
        };
        text.push_str(&format!("| `{target}` | {} | {what} |\n", names.join(", ")));
    }
    text
}

/// Without what would end a cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
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
