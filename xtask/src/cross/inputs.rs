//! What `register`'s bytes depend on, as far as it stands in files that all of the workspace shares.
//!
//! Hashing those files as a whole would build nine programs anew whenever any other crate gets a dependency.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde::Deserialize;

/// The package that is built.
const ROOT: &str = "qus-register";

#[derive(Deserialize)]
struct Locked {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// The packages of Cargo.lock that `register` can lead to, one on each line, sorted. Those of its tests are among them:
/// the file does not tell them apart.
pub(super) fn packages(lock: &str) -> anyhow::Result<String> {
    let locked: Locked = toml::from_str(lock).context("cannot read Cargo.lock")?;
    let mut seen = BTreeSet::new();
    let mut lines = BTreeSet::new();
    let mut next = vec![ROOT];
    while let Some(name) = next.pop() {
        if !seen.insert(name) {
            continue;
        }
        // Of several versions of a package, all are taken.
        for package in locked.package.iter().filter(|package| package.name == name) {
            let checksum = package.checksum.as_deref().unwrap_or("-");
            lines.insert(format!(
                "{name} {} {checksum} {}\n",
                package.version,
                package.dependencies.join(",")
            ));
            // `name`, or `name version` where there are several.
            next.extend(package.dependencies.iter().filter_map(|dependency| dependency.split(' ').next()));
        }
    }
    anyhow::ensure!(!lines.is_empty(), "Cargo.lock has no package `{ROOT}`");
    Ok(lines.into_iter().collect())
}

/// What of the workspace's Cargo.toml steers the build: profiles, what packages inherit, and the dependencies that the
/// crates' own files name.
pub(super) fn workspace(manifest: &str, crates: &[String]) -> anyhow::Result<String> {
    let manifest: toml::Table = manifest.parse().context("cannot read Cargo.toml")?;
    let workspace = manifest.get("workspace").and_then(toml::Value::as_table).context("no [workspace]")?;
    let mut named = BTreeSet::new();
    for text in crates {
        let table: toml::Table = text.parse().context("cannot read a crate's Cargo.toml")?;
        for (key, value) in &table {
            if key.ends_with("dependencies") {
                named.extend(value.as_table().into_iter().flat_map(|table| table.keys().cloned()));
            }
        }
    }
    let dependencies = workspace.get("dependencies").and_then(toml::Value::as_table);
    let used: BTreeMap<&String, &toml::Value> =
        dependencies.into_iter().flatten().filter(|(name, _)| named.contains(*name)).collect();
    Ok(format!("{:?}\n{:?}\n{used:?}\n", manifest.get("profile"), workspace.get("package")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        version = 4
        [[package]]
        name = "qus-register"
        version = "0.1.0"
        dependencies = ["a", "b 2.0.0"]
        [[package]]
        name = "a"
        version = "1.0.0"
        checksum = "aa"
        dependencies = ["c"]
        [[package]]
        name = "b"
        version = "2.0.0"
        checksum = "bb"
        [[package]]
        name = "c"
        version = "3.0.0"
        checksum = "cc"
        [[package]]
        name = "unrelated"
        version = "1.0.0"
        checksum = "dd"
    "#;

    #[test]
    fn only_packages_that_register_leads_to_count() {
        let before = packages(LOCK).unwrap();
        assert_eq!(before, "a 1.0.0 aa c\nb 2.0.0 bb \nc 3.0.0 cc \nqus-register 0.1.0 - a,b 2.0.0\n");
        assert_eq!(packages(&LOCK.replace("dd", "ee")).unwrap(), before);
        assert_ne!(packages(&LOCK.replace("cc", "ee")).unwrap(), before);
        assert!(packages("package = []").is_err());
    }

    const MANIFEST: &str = r#"
        [workspace.package]
        version = "0.1.0"
        [workspace.dependencies]
        a = "1"
        unrelated = "1"
        [profile.ship]
        lto = "fat"
    "#;

    #[test]
    fn only_what_steers_the_build_counts() {
        let crates = ["[dependencies]\na.workspace = true\n".to_owned()];
        let before = workspace(MANIFEST, &crates).unwrap();
        let with = |from: &str, to: &str| workspace(&MANIFEST.replace(from, to), &crates).unwrap();
        assert_eq!(with("unrelated = \"1\"", "unrelated = \"2\""), before);
        for (from, to) in [("a = \"1\"", "a = \"2\""), ("fat", "thin"), ("0.1.0", "0.2.0")] {
            assert_ne!(with(from, to), before, "{from}");
        }
    }
}
