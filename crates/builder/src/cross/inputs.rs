//! The inputs that the programs' bytes depend on, as far as they stand in files that all of the workspace shares.
//!
//! Hashing those files as a whole would build nine programs anew whenever any other crate gets a dependency.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde::Deserialize;
use sha256::Digest;

/// The profile that they are built with.
pub(super) const PROFILE: &str = "ship";

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

/// The packages of Cargo.lock that `roots` can lead to, one on each line, sorted. Those of their tests are among them:
/// the file does not tell them apart.
pub(super) fn packages(lock: &str, roots: &[&str]) -> anyhow::Result<String> {
    let locked: Locked = toml::from_str(lock).context("cannot read Cargo.lock")?;
    let mut seen = BTreeSet::new();
    let mut lines = BTreeSet::new();
    for root in roots {
        let is_there = locked.package.iter().any(|package| package.name == *root);
        anyhow::ensure!(is_there, "Cargo.lock has no package `{root}`");
    }
    let mut next = roots.to_vec();
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
    Ok(lines.into_iter().collect())
}

/// The checksum of every published package of Cargo.lock, by name and version.
pub(super) fn checksums(lock: &str) -> anyhow::Result<BTreeMap<(String, String), Digest>> {
    let locked: Locked = toml::from_str(lock).context("cannot read Cargo.lock")?;
    let published = |package: Package| Some(((package.name, package.version), package.checksum?));
    let parsed = |(key, checksum): (_, String)| Ok((key, Digest::from_hex(&checksum)?));
    locked.package.into_iter().filter_map(published).map(parsed).collect()
}

/// The parts of the workspace's Cargo.toml that steer the build: the profile that it is built with and those behind it, what
/// packages inherit, and the dependencies that the crates' own files name.
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
    Ok(format!("{:?}\n{:?}\n{used:?}\n", profiles(&manifest), workspace.get("package")))
}

/// [`PROFILE`], the one that it inherits from, and so on (Cargo's reference, "Profiles").
fn profiles(manifest: &toml::Table) -> Vec<(&str, Option<&toml::Value>)> {
    let mut chain: Vec<(&str, _)> = Vec::new();
    let mut next = Some(PROFILE);
    // A circle is for Cargo to refuse.
    while let Some(name) = next.filter(|name| chain.iter().all(|(other, _)| other != name)) {
        let table = manifest.get("profile").and_then(|tables| tables.get(name));
        chain.push((name, table));
        let inherits = table.and_then(|table| table.get("inherits")).and_then(toml::Value::as_str);
        next = inherits.or(match name {
            "bench" => Some("release"),
            "test" => Some("dev"),
            _ => None,
        });
    }
    chain
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
    fn only_packages_that_roots_lead_to_count() {
        let packages = |lock: &str| packages(lock, &["qus-register"]);
        let before = packages(LOCK).unwrap();
        assert_eq!(before, "a 1.0.0 aa c\nb 2.0.0 bb \nc 3.0.0 cc \nqus-register 0.1.0 - a,b 2.0.0\n");
        assert_eq!(packages(&LOCK.replace("dd", "ee")).unwrap(), before);
        assert_ne!(packages(&LOCK.replace("cc", "ee")).unwrap(), before);
        let error = super::packages(LOCK, &["qus-register", "qus-run"]).unwrap_err();
        assert_eq!(error.to_string(), "Cargo.lock has no package `qus-run`");
    }

    const MANIFEST: &str = r#"
        [workspace.package]
        version = "0.1.0"
        [workspace.dependencies]
        a = "1"
        unrelated = "1"
        [profile.dev]
        debug = false
        [profile.release]
        debug = "none" # release
        [profile.release.package.a]
        opt-level = 1
        [profile.other]
        inherits = "release"
        strip = "none" # other
        [profile.ship]
        inherits = "release"
        lto = "fat"
    "#;

    #[test]
    fn only_what_steers_the_build_counts() {
        let crates = ["[dependencies]\na.workspace = true\n".to_owned()];
        let before = workspace(MANIFEST, &crates).unwrap();
        let with = |from: &str, to: &str| workspace(&MANIFEST.replace(from, to), &crates).unwrap();
        for (from, to) in [
            ("unrelated = \"1\"", "unrelated = \"2\""),
            ("debug = false", "debug = true"),
            ("strip = \"none\"", "strip = \"symbols\""),
        ] {
            assert_eq!(with(from, to), before, "{from}");
        }
        for (from, to) in [
            ("a = \"1\"", "a = \"2\""),
            ("0.1.0", "0.2.0"),
            ("fat", "thin"),
            ("debug = \"none\"", "debug = \"full\""),
            ("opt-level = 1", "opt-level = 2"),
            // From one to another that says the same.
            ("inherits = \"release\"\n        lto", "inherits = \"dev\"\n        lto"),
        ] {
            assert_ne!(with(from, to), before, "{from}");
        }
    }

    #[test]
    fn the_build_depends_on_every_profile_that_its_own_leads_to() {
        let key = |manifest: &str| workspace(manifest, &[]).unwrap();
        let inheriting = |name: &str| {
            MANIFEST.replace(
                "inherits = \"release\"\n        lto",
                &format!("inherits = \"{name}\"\n        lto"),
            )
        };
        for (name, setting) in
            [("other", "\"none\" # other"), ("other", "\"none\" # release"), ("bench", "\"none\" # release")]
        {
            let manifest = inheriting(name);
            assert_ne!(key(&manifest), key(MANIFEST), "{name}");
            assert_ne!(key(&manifest.replace(setting, "\"full\"")), key(&manifest), "{name}, {setting}");
        }
        // A circle ends.
        key(&inheriting("ship"));
    }
}
