//! What a release has besides programs: manual pages and completions.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Each extra file's name and content. Releases have no folders, so names say what a folder would.
pub(crate) fn files() -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let dir = tempfile::tempdir().context("cannot make a temporary directory")?;
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok((name(&path).context("an extra file has a name")?, bytes))
    };
    super::write(dir.path())?.into_iter().map(read).collect()
}

/// `completions/bash/register` is the one of its three that does not say which shell it is for: `register.bash`.
fn name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let bash = path.parent().is_some_and(|folder| folder.ends_with("completions/bash"));
    Some(if bash { format!("{name}.bash") } else { name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_files_have_one_name() {
        let mut names: Vec<String> = files().unwrap().into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for expected in ["register.1", "register.bash", "_register", "register.fish", "cargo-xtask-images.1"]
        {
            assert!(names.iter().any(|name| name == expected), "{expected} is not in {names:?}");
        }
    }
}
