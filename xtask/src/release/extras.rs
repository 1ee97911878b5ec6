//! What a release has besides programs: completions.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;

/// Each extra file's name and content.
pub(super) fn files() -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let dir = tempfile::tempdir().context("cannot make a temporary directory")?;
    let read = |path: PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).context("an extra file has a name")?;
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok((name.to_owned(), bytes))
    };
    extras(dir.path())?.into_iter().map(read).collect()
}

/// Writes the extra files into `dir`; they become assets under their own names.
fn extras(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let path = clap_complete::generate_to(shell, &mut Cli::command(), "cargo-xtask", dir)
            .with_context(|| format!("cannot write completions for {shell}"))?;
        paths.push(path);
    }
    Ok(paths)
}
