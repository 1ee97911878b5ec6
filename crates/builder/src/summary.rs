//! The result of a build: a table for people, JSON for machines.

use std::collections::{BTreeMap, BTreeSet};

use arch::Target;
use base::{count, size};
use debian::QemuVersion;
use serde::Serialize;

use crate::build::{Built, BuiltImage};
use crate::kind::Kind;

/// One image, as `--json` prints it.
#[derive(Debug, Serialize)]
struct ImageJson<'a> {
    host: &'a str,
    platform: String,
    kind: &'a str,
    /// The one target of a single-target image.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    /// QEMU's version as in tags: `11.1`.
    version: QemuVersion,
    tags: &'a [String],
    digest: String,
    /// The compression of the layers: `gzip`, `zstd`.
    compression: &'static str,
    /// The level of compression: `quick`, `best`.
    level: &'static str,
    /// Compressed size of the layers, in bytes.
    size: u64,
    /// Uncompressed size of the layers, in bytes.
    unpacked_size: u64,
    /// Each target with the version of its QEMU.
    targets: BTreeMap<&'a str, QemuVersion>,
}

#[derive(Debug, Serialize)]
struct IndexJson<'a> {
    tags: Vec<&'a String>,
    version: QemuVersion,
    digest: String,
    hosts: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Report<'a, T> {
    repository: &'a str,
    layout: String,
    images: Vec<ImageJson<'a>>,
    indexes: Vec<IndexJson<'a>>,
    /// The tags that were pushed, in order; empty without --push.
    pushed: &'a [T],
}

/// The result as one JSON document.
pub fn json<T: Serialize>(
    built: &Built,
    pushed: &[T],
    repository: &str,
    layout: &std::path::Path,
) -> serde_json::Result<String> {
    let report = Report {
        repository,
        layout: layout.display().to_string(),
        images: built.images.iter().map(image_json).collect(),
        indexes: built
            .listed
            .iter()
            .map(|index| IndexJson {
                tags: index.plan.all_tags().collect(),
                version: index.plan.version,
                digest: index.descriptor().digest.to_string(),
                hosts: index.hosts.iter().map(|host| host.name()).collect(),
            })
            .collect(),
        pushed,
    };
    serde_json::to_string_pretty(&report).map(|text| text + "\n")
}

fn image_json(image: &BuiltImage) -> ImageJson<'_> {
    let content = image.plan.content;
    ImageJson {
        host: image.plan.host.name(),
        platform: image.plan.host.platform().to_string(),
        kind: content.kind().name(),
        target: content.target().map(Target::name),
        version: image.plan.version,
        tags: &image.plan.tags,
        digest: image.descriptor.digest.to_string(),
        compression: image.plan.form.name(),
        level: image.packing.level.name(),
        size: image.size,
        unpacked_size: image.unpacked_size,
        targets: image.targets.iter().map(|(target, version)| (target.name(), *version)).collect(),
    }
}

/// The result as a table: host by kind, then the single-target images in short, then the indexes.
pub fn table(built: &Built) -> String {
    let mut rows = vec![row(["HOST", "KIND", "QEMU", "TARGETS", "LAYERS", "SIZE", "UNPACKED", "DIGEST"])];
    let mut singles: Vec<&BuiltImage> = Vec::new();
    for image in &built.images {
        if image.plan.content.target().is_some() {
            singles.push(image);
            continue;
        }
        rows.push([
            image.plan.host.to_string(),
            image.plan.content.kind().to_string(),
            versions(image),
            image.targets.len().to_string(),
            image.packing.to_string(),
            size(image.size),
            size(image.unpacked_size),
            short(&image.descriptor.digest.hex()),
        ]);
    }
    let mut text = if rows.len() > 1 { base::table(&rows) } else { String::new() };
    let group = |image: &BuiltImage| (image.plan.content.kind(), image.packing.to_string());
    let groups: BTreeSet<(Kind, String)> = singles.iter().map(|image| group(image)).collect();
    for (kind, packing) in groups {
        let singles: Vec<_> =
            singles.iter().filter(|image| group(image) == (kind, packing.clone())).collect();
        let hosts: BTreeSet<_> = singles.iter().map(|image| image.plan.host).collect();
        let targets: BTreeSet<_> = singles.iter().map(|image| image.plan.content).collect();
        let sizes = singles.iter().map(|image| image.size);
        let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
        text.push_str(&format!(
            "\n{} of `{kind}`: {} x {}, {packing}, {}\n",
            count(singles.len(), "single-target image", "single-target images"),
            count(hosts.len(), "host", "hosts"),
            count(targets.len(), "target", "targets"),
            sizes_between(least, most),
        ));
    }
    let mut rows = vec![["TAGS".to_owned(), "HOSTS".to_owned(), "DIGEST".to_owned()]];
    for index in built.listed.iter().filter(|index| index.plan.tags().next().is_some()) {
        let tags: Vec<&str> = index.plan.tags().map(String::as_str).collect();
        let tags = tags.join(", ");
        rows.push([tags, index.hosts.len().to_string(), short(&index.descriptor().digest.hex())]);
    }
    text.push('\n');
    text.push_str(&base::table(&rows));
    text
}

/// From the least to the most; one size if they are the same.
fn sizes_between(least: u64, most: u64) -> String {
    let [least, most] = [least, most].map(size);
    if least == most { least } else { format!("{least} to {most}") }
}

fn row<const N: usize>(cells: [&str; N]) -> [String; N] {
    cells.map(str::to_owned)
}

/// The versions of QEMU that an image holds, with how many targets of each: `10.2 (17), 7.2 (16)`.
fn versions(image: &BuiltImage) -> String {
    let mut counts: Vec<(QemuVersion, usize)> = Vec::new();
    for &version in image.targets.values() {
        match counts.iter_mut().find(|(other, _)| *other == version) {
            Some((_, count)) => *count += 1,
            None => counts.push((version, 1)),
        }
    }
    match counts.as_mut_slice() {
        [] => "-".to_owned(),
        [(version, _)] => version.to_string(),
        counts => {
            counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            counts
                .iter()
                .map(|(version, count)| format!("{version} ({count})"))
                .collect::<Vec<_>>()
                .join(", ")
        }
    }
}

/// Enough of a digest to compare by eye; `--json` has all of it.
fn short(hex: &str) -> String {
    hex[..12].to_owned()
}
