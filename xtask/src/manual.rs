//! `cargo xtask man`: manual pages and shell completions for `register` and for these commands, made from their help.

mod clap_page;
mod completions;
mod extras;
mod register_page;
mod register_shells;

use std::path::{Path, PathBuf};

use crate::cli::full::ManArgs;
use crate::ui;
pub(crate) use extras::files as extras;

pub(crate) fn run(args: &ManArgs) -> anyhow::Result<()> {
    let lines: String = write(&args.dir)?.iter().map(|path| format!("{}\n", path.display())).collect();
    Ok(ui::print(&lines)?)
}

/// A file and what is in it.
type File = (PathBuf, Vec<u8>);

/// Writes `register.1`, `cargo-xtask.1` and one page for each command into `dir`, and completions below
/// `dir/completions`, in one folder for each shell. The same sources give the same bytes.
pub(crate) fn write(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let pages = clap_page::pages()?.into_iter().chain([register_page::page()]).chain(completions::files());
    let mut written = Vec::new();
    for (name, bytes) in pages {
        let path = dir.join(name);
        files::write(&path, &bytes)?;
        written.push(path);
    }
    written.sort();
    Ok(written)
}

/// A page whose title has no date, since the same sources give the same bytes. The generator writes an empty argument
/// without quotes, and what follows would be taken for it.
fn undated(page: &str) -> Vec<u8> {
    page.replacen(" 1  \"", " 1 \"\" \"", 1).into_bytes()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_page_and_every_shell_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let written = write(dir.path()).unwrap();
        let names: Vec<_> =
            written.iter().map(|path| path.strip_prefix(dir.path()).unwrap().to_str().unwrap()).collect();
        for expected in [
            "cargo-xtask.1",
            "cargo-xtask-images.1",
            "cargo-xtask-man.1",
            "register.1",
            "completions/bash/cargo-xtask",
            "completions/bash/register",
            "completions/fish/cargo-xtask.fish",
            "completions/fish/register.fish",
            "completions/zsh/_cargo-xtask",
            "completions/zsh/_register",
        ] {
            assert!(names.contains(&expected), "{expected} is not in {names:?}");
        }
        let again = tempfile::tempdir().unwrap();
        for path in write(again.path()).unwrap() {
            let same = dir.path().join(path.strip_prefix(again.path()).unwrap());
            assert_eq!(fs::read(&path).unwrap(), fs::read(same).unwrap(), "{}", path.display());
        }
    }
}
