//! The output of `release`: a table for people, JSON for machines.

use std::path::Path;

use base::{count, size};
use serde::Serialize;

use crate::{Asset, Assets};

#[derive(Debug, Serialize)]
struct AssetsJson<'a> {
    directory: String,
    assets: Vec<AssetJson<'a>>,
    /// The files of an earlier release that are not part of this one.
    removed: &'a [String],
}

#[derive(Debug, Serialize)]
struct AssetJson<'a> {
    name: &'a str,
    size: u64,
    digest: String,
    /// True if it was not there before, or was another.
    written: bool,
}

/// The result as one JSON document.
pub fn json<'a>(assets: &'a Assets) -> serde_json::Result<String> {
    let asset = |asset: &'a Asset| AssetJson {
        name: &asset.name,
        size: asset.size,
        digest: asset.digest.to_string(),
        written: asset.written,
    };
    let document = AssetsJson {
        directory: assets.folder.display().to_string(),
        assets: assets.files.iter().map(asset).collect(),
        removed: &assets.removed,
    };
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}

/// Files that differ in one part of their names alone make one row.
pub fn table(assets: &Assets) -> String {
    let mut groups: Vec<(String, Vec<&Asset>)> = Vec::new();
    for asset in &assets.files {
        let group = group(&asset.name);
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, members)) => members.push(asset),
            None => groups.push((group, vec![asset])),
        }
    }
    let mut rows = vec![["FILE", "COUNT", "SIZE", "WRITTEN"].map(str::to_owned)];
    for (name, members) in groups {
        rows.push([
            name,
            members.len().to_string(),
            size(members.iter().map(|asset| asset.size).sum()),
            members.iter().filter(|asset| asset.written).count().to_string(),
        ]);
    }
    base::table(&rows)
}

/// A name with what varies in it in capitals.
fn group(name: &str) -> String {
    match name.rsplit_once('_') {
        Some((front, host)) if front.starts_with("qemu-") && host.ends_with(".tgz") => {
            format!("qemu-TARGET-static_{host}")
        }
        Some(("register", _)) => "register_HOST".to_owned(),
        Some(("qus-run", _)) => "qus-run_HOST".to_owned(),
        Some((front, host)) if front.starts_with("qus-run-") => format!("qus-run-TARGET_{host}"),
        _ if name.starts_with("test-program_") => "test-program_TARGET".to_owned(),
        _ => name.to_owned(),
    }
}

/// The last line: what this run changed.
pub fn verdict(assets: &Assets) -> String {
    let written = assets.files.iter().filter(|asset| asset.written).count();
    let folder = assets.folder.display();
    if !assets.changed() {
        return format!("nothing changed in {folder}");
    }
    let mut text = format!("wrote {written} of {} in {folder}", count(assets.files.len(), "file", "files"));
    if !assets.removed.is_empty() {
        text.push_str(&format!(
            ", removed {} not part of the release any more",
            count(assets.removed.len(), "that is", "that are")
        ));
    }
    text
}

/// The files that a run would make.
pub fn dry_run(names: &[String], folder: &Path) -> String {
    let mut text = format!("would write into {}:\n", folder.display());
    names.iter().for_each(|name| text.push_str(&format!("  {name}\n")));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_one_part_make_one_row() {
        for (name, expected) in [
            ("qemu-aarch64_be-static_arm64v8.tgz", "qemu-TARGET-static_arm64v8.tgz"),
            ("register_amd64", "register_HOST"),
            ("qus-run_arm64v8", "qus-run_HOST"),
            ("qus-run-aarch64_be_amd64", "qus-run-TARGET_amd64"),
            ("register.sh", "register.sh"),
            ("test-program_aarch64_be", "test-program_TARGET"),
            ("test-aarch64", "test-aarch64"),
            ("SHA256SUMS", "SHA256SUMS"),
        ] {
            assert_eq!(group(name), expected);
        }
    }
}
