//! `cargo xtask notes`: what CHANGELOG.md says about the version that a tag names.

use std::fs;

use anyhow::Context as _;

use crate::cli::NotesArgs;
use crate::context;
use base::Hinted;

/// The version of everything here: the workspace's.
const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn run(args: &NotesArgs) -> anyhow::Result<()> {
    let path = context::workspace()?.join("CHANGELOG.md");
    let changelog = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(ui::print(&notes(&args.tag, VERSION, &changelog)?)?)
}

/// The section of `changelog` for `version`, if that is what `tag` names.
fn notes(tag: &str, version: &str, changelog: &str) -> Result<String, Hinted> {
    if tag.strip_prefix('v') != Some(version) {
        return Err(Hinted::new(
            format!("the tag `{tag}` does not name the version in Cargo.toml, {version}"),
            format!("tag v{version}, or change `version` in Cargo.toml first"),
        ));
    }
    let heading = |line: &str| line.strip_prefix("## ").map(|title| title.trim().to_owned());
    let mut lines = changelog.lines().skip_while(|line| heading(line).as_deref() != Some(version));
    let found = lines.next().is_some();
    let section: Vec<&str> = lines.take_while(|line| heading(line).is_none()).collect();
    let text = section.join("\n").trim().to_owned();
    match (found, text.is_empty()) {
        (true, false) => Ok(text + "\n"),
        (true, true) => {
            Err(Hinted::new(format!("CHANGELOG.md says nothing below `## {version}`"), "say what is new"))
        }
        (false, _) => Err(Hinted::new(
            format!("CHANGELOG.md has no section `## {version}`"),
            "give `## Unreleased` the version's name",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str =
        "# Changelog\n\n## 2.0\n\n## 1.1\n\n- new\n\n### More\n\n- newer\n\n## 1.0\n\n- first\n";

    #[test]
    fn a_version_has_its_section() {
        assert_eq!(notes("v1.1", "1.1", CHANGELOG).unwrap(), "- new\n\n### More\n\n- newer\n");
        assert_eq!(notes("v1.0", "1.0", CHANGELOG).unwrap(), "- first\n");
    }

    #[test]
    fn another_tag_and_a_missing_section_are_refused() {
        for (tag, version, expected) in [
            ("v1.0", "1.1", "the tag `v1.0` does not name the version in Cargo.toml, 1.1"),
            ("1.1", "1.1", "the tag `1.1` does not name the version in Cargo.toml, 1.1"),
            ("v3.0", "3.0", "CHANGELOG.md has no section `## 3.0`"),
            ("v2.0", "2.0", "CHANGELOG.md says nothing below `## 2.0`"),
        ] {
            assert_eq!(notes(tag, version, CHANGELOG).unwrap_err().to_string(), expected);
        }
    }
}
