//! A bill of materials as CycloneDX 1.6 has it, in JSON (ECMA-424), out of one in SPDX.
//!
//! It says less: a relation between two parts is that the one depends on the other, whatever it is in SPDX.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::spdx::{self, Document};

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bom<'a> {
    bom_format: &'static str,
    spec_version: &'static str,
    version: u32,
    metadata: Metadata<'a>,
    components: Vec<Component<'a>>,
    dependencies: Vec<Dependency<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Metadata<'a> {
    timestamp: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<Component<'a>>,
}

/// The image, a package, a crate or a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Supplier<'a>>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<Reference<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Supplier<'a> {
    name: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Hash<'a> {
    alg: &'static str,
    content: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct License<'a> {
    expression: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Reference<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency<'a> {
    #[serde(rename = "ref")]
    id: &'a str,
    depends_on: Vec<&'a str>,
}

impl<'a> Bom<'a> {
    /// The document that says of an image what `document` says.
    pub fn of(document: &'a Document) -> Bom<'a> {
        let image = document.image();
        let packages = document.packages.iter().filter(|package| Some(*package) != image).map(package);
        let mut parts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for one in document.relationships.iter().filter(|one| one.spdx_element_id != document.spdx_id) {
            parts.entry(&one.spdx_element_id).or_default().push(&one.related_spdx_element);
        }
        for list in parts.values_mut() {
            // Two relations between the same two are one here.
            list.sort_unstable();
            list.dedup();
        }
        Bom {
            bom_format: "CycloneDX",
            spec_version: "1.6",
            version: 1,
            metadata: Metadata {
                timestamp: &document.creation_info.created,
                component: image.map(|image| Component { kind: "container", ..package(image) }),
            },
            components: packages.chain(document.files.iter().map(file)).collect(),
            dependencies: parts.into_iter().map(|(id, depends_on)| Dependency { id, depends_on }).collect(),
        }
    }
}

fn package(package: &spdx::Package) -> Component<'_> {
    let snapshots = package.external_refs.iter().filter(|one| one.reference_type == "snapshot");
    let download = Some(package.download_location.as_str()).filter(|url| stated(url));
    Component {
        kind: "library",
        id: &package.spdx_id,
        supplier: package
            .supplier
            .as_deref()
            .and_then(|supplier| supplier.strip_prefix("Organization: "))
            .map(|name| Supplier { name }),
        name: &package.name,
        version: Some(&package.version_info),
        description: package.summary.as_deref(),
        hashes: hashes(&package.checksums),
        licenses: Some(package.license_declared.as_str())
            .filter(|expression| stated(expression))
            .map(|expression| License { expression })
            .into_iter()
            .collect(),
        purl: package.purl(),
        external_references: download
            .into_iter()
            .chain(snapshots.map(|one| one.reference_locator.as_str()))
            .map(|url| Reference { kind: if url.starts_with("git+") { "vcs" } else { "distribution" }, url })
            .collect(),
    }
}

fn file(file: &spdx::File) -> Component<'_> {
    let (id, name, hashes) = (&*file.spdx_id, file.path(), hashes(&file.checksums));
    Component { kind: "file", id, name, hashes, ..Component::default() }
}

fn hashes(sums: &[spdx::Checksum]) -> Vec<Hash<'_>> {
    let hash = |sum: &'_ spdx::Checksum| match sum.algorithm.as_str() {
        "SHA1" => Some("SHA-1"),
        "SHA256" => Some("SHA-256"),
        _ => None,
    };
    sums.iter().filter_map(|sum| Some(Hash { alg: hash(sum)?, content: &sum.checksum_value })).collect()
}

/// True of a value that says something.
fn stated(value: &str) -> bool {
    ![spdx::NO_ASSERTION, "NONE"].contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spdx::tests::inventory;

    /// One file of one package, with all that this was made of.
    #[test]
    fn everything_that_cyclonedx_has_a_place_for_is_there() {
        let mut inventory = inventory();
        inventory.programs.clear();
        inventory.files.retain(|file| file.program.is_none());
        let mut document = Document::of(&inventory);
        document.packages.truncate(3);
        document.relationships.retain(|one| !one.related_spdx_element.contains("Source-glibc"));
        document.relationships.retain(|one| !one.related_spdx_element.contains("Source-zlib"));
        let text = serde_json::to_string_pretty(&Bom::of(&document)).unwrap();
        assert_eq!(text + "\n", include_str!("cyclonedx/expected.json"));
    }
}
