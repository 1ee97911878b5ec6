//! A bill of materials as SPDX 2.3 has it, in JSON (spdx-spec, v2.3).
//!
//! The image contains its files. A file is expanded from a Debian package, or generated from a crate of ours; what was linked
//! into a program is linked to that crate. A Debian package is generated from its source and from those that parts of it were
//! taken from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha256::Digest;

use crate::checksums::Sha1;
use crate::inventory::{Crate, Deb, Inventory, Linked, Program, Source};
use crate::license::License;
use crate::purl::Purl;

/// The value of a field about which nothing is known.
pub const NO_ASSERTION: &str = "NOASSERTION";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";
/// The purpose of a source package.
const SOURCE: &str = "SOURCE";

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    spdx_version: String,
    data_license: String,
    #[serde(rename = "SPDXID")]
    pub(crate) spdx_id: String,
    /// The name of the image.
    pub name: String,
    document_namespace: String,
    pub(crate) creation_info: CreationInfo,
    /// The image first, then what it was made of.
    pub packages: Vec<Package>,
    /// The image's files.
    pub files: Vec<File>,
    pub(crate) relationships: Vec<Relationship>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreationInfo {
    pub(crate) created: String,
    creators: Vec<String>,
}

/// A package: the image, a Debian package, or a crate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    #[serde(rename = "SPDXID")]
    pub(crate) spdx_id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version_info: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) supplier: Option<String>,
    /// The address that it can be had from.
    pub download_location: String,
    files_analyzed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package_verification_code: Option<VerificationCode>,
    /// Its own checksums.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checksums: Vec<Checksum>,
    /// The licence that the document's author finds.
    license_concluded: String,
    /// The licence that its authors state.
    pub license_declared: String,
    /// The authors' words, where SPDX has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    license_comments: Option<String>,
    copyright_text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<String>,
    /// Its names and addresses elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_refs: Vec<ExternalRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    primary_package_purpose: Option<String>,
}

/// The SHA-1 of the SHA-1s of a package's files (clause 7.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerificationCode {
    package_verification_code_value: String,
}

/// A checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checksum {
    /// `SHA1`, `SHA256`.
    pub algorithm: String,
    /// Lowercase hexadecimal digits.
    pub checksum_value: String,
}

/// A name or an address of a package elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalRef {
    /// `PACKAGE-MANAGER`, `OTHER`.
    pub reference_category: String,
    /// `purl`, `snapshot`.
    pub reference_type: String,
    /// The name or the address.
    pub reference_locator: String,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    #[serde(rename = "SPDXID")]
    pub(crate) spdx_id: String,
    /// Its path, after `./`.
    pub file_name: String,
    /// `BINARY` for programs, `TEXT`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_types: Vec<String>,
    /// Both of its checksums.
    pub checksums: Vec<Checksum>,
    license_concluded: String,
    copyright_text: String,
}

/// A relation between two elements: `CONTAINS`, `STATIC_LINK`, …
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Relationship {
    pub(crate) spdx_element_id: String,
    pub(crate) relationship_type: String,
    pub(crate) related_spdx_element: String,
}

impl Document {
    /// The document about an image.
    pub fn of(inventory: &Inventory) -> Document {
        let mut made = Maker::default();
        made.packages.push(image(inventory));
        made.relate(DOCUMENT, "DESCRIBES", IMAGE);
        let debs: BTreeMap<Digest, String> =
            inventory.packages.iter().map(|package| (package.digest, made.deb(package))).collect();
        let programs: BTreeMap<&str, String> =
            inventory.programs.iter().map(|program| (program.name, made.program(program))).collect();
        let mut files = Vec::new();
        for file in &inventory.files {
            let id = id("File", &file.path, &file.path);
            made.relate(IMAGE, "CONTAINS", &id);
            if let Some(program) = file.program.and_then(|name| programs.get(name)) {
                made.relate(&id, "GENERATED_FROM", program);
            }
            if let Some(package) = file.package.and_then(|digest| debs.get(&digest)) {
                // Or a part of it, where it is a program of ours too.
                let kind = if file.program.is_some() { "STATIC_LINK" } else { "EXPANDED_FROM_ARCHIVE" };
                made.relate(&id, kind, package);
            }
            files.push(File {
                spdx_id: id,
                file_name: format!("./{}", file.path),
                file_types: vec![if file.is_text { "TEXT" } else { "BINARY" }.to_owned()],
                checksums: vec![sha1(file.sums.sha1), sha256(&file.sums.sha256)],
                license_concluded: NO_ASSERTION.to_owned(),
                copyright_text: NO_ASSERTION.to_owned(),
            });
        }
        made.relationships.sort();
        made.relationships.dedup();
        let image = &inventory.image;
        Document {
            spdx_version: "SPDX-2.3".to_owned(),
            data_license: "CC0-1.0".to_owned(),
            spdx_id: DOCUMENT.to_owned(),
            name: format!("{}@{}", image.name, image.digest),
            document_namespace: format!("https://github.com/dbhi/qus/spdx/{}", image.digest.hex()),
            creation_info: CreationInfo {
                created: image.created.clone(),
                creators: vec!["Tool: qus".to_owned()],
            },
            packages: made.packages,
            files,
            relationships: made.relationships,
        }
    }

    /// The image that the document describes.
    pub fn image(&self) -> Option<&Package> {
        let is_described =
            |one: &&Relationship| one.spdx_element_id == self.spdx_id && one.relationship_type == "DESCRIBES";
        let found = self.relationships.iter().find(is_described)?;
        self.packages.iter().find(|package| package.spdx_id == found.related_spdx_element)
    }

    /// The SHA-256 of each file, by its path in the image, as far as they are there.
    pub fn sums(&self) -> BTreeMap<&str, Option<&str>> {
        self.files.iter().map(|file| (file.path(), sha256_of(&file.checksums))).collect()
    }

    /// Debian's source packages that it names.
    pub fn sources(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.primary_package_purpose.as_deref() == Some(SOURCE))
    }
}

impl Package {
    /// Its package URL.
    pub fn purl(&self) -> Option<&str> {
        let found = self.external_refs.iter().find(|one| one.reference_type == "purl");
        found.map(|one| one.reference_locator.as_str())
    }

    /// Its SHA-256, in hexadecimal digits, if it is there.
    pub fn sha256(&self) -> Option<&str> {
        sha256_of(&self.checksums)
    }
}

fn sha256_of(checksums: &[Checksum]) -> Option<&str> {
    let found = checksums.iter().find(|sum| sum.algorithm == "SHA256");
    found.map(|sum| sum.checksum_value.as_str())
}

impl File {
    /// Its path in the image.
    pub(crate) fn path(&self) -> &str {
        self.file_name.strip_prefix("./").unwrap_or(&self.file_name)
    }
}

/// Packages and relationships on their way into a document; each package once.
#[derive(Default)]
struct Maker {
    packages: Vec<Package>,
    relationships: Vec<Relationship>,
}

impl Maker {
    fn relate(&mut self, one: &str, kind: &str, other: &str) {
        self.relationships.push(Relationship {
            spdx_element_id: one.to_owned(),
            relationship_type: kind.to_owned(),
            related_spdx_element: other.to_owned(),
        });
    }

    /// Adds a package, unless it is there; returns its id.
    fn add(&mut self, package: Package) -> String {
        let id = package.spdx_id.clone();
        if !self.packages.iter().any(|other| other.spdx_id == id) {
            self.packages.push(package);
        }
        id
    }

    fn deb(&mut self, deb: &Deb) -> String {
        let purl = Purl::deb(&deb.name, &deb.version, &deb.architecture, &deb.distro);
        let names = deb.license_names.join(", ");
        let comments = (deb.license.is_none() && !names.is_empty())
            .then(|| format!("the package's copyright file names: {names}"));
        let mut refs = vec![manager(&purl)];
        refs.push(ExternalRef {
            reference_category: "OTHER".to_owned(),
            reference_type: "snapshot".to_owned(),
            reference_locator: deb.snapshot.clone(),
        });
        let id = self.add(Package {
            supplier: Some("Organization: Debian".to_owned()),
            download_location: deb.location.clone(),
            checksums: vec![sha256(&deb.digest)],
            license_declared: declared(deb.license.as_ref()),
            license_comments: comments,
            external_refs: refs,
            ..plain("Deb", &deb.name, &deb.version, &purl)
        });
        for (sources, kind) in [
            (deb.source.as_slice(), "GENERATED_FROM"),
            (&deb.built_using, "GENERATED_FROM"),
            (&deb.static_built_using, "STATIC_LINK"),
        ] {
            for source in sources {
                let source = self.source(source, &deb.distro);
                self.relate(&id, kind, &source);
            }
        }
        id
    }

    fn source(&mut self, source: &Source, distro: &str) -> String {
        let purl = Purl::deb(&source.name, &source.version, "source", distro);
        let dsc = source.dsc.as_ref();
        self.add(Package {
            supplier: Some("Organization: Debian".to_owned()),
            download_location: dsc.map_or(NO_ASSERTION, |dsc| &dsc.location).to_owned(),
            checksums: dsc.map(|dsc| sha256(&dsc.digest)).into_iter().collect(),
            external_refs: vec![manager(&purl)],
            primary_package_purpose: Some(SOURCE.to_owned()),
            ..plain("Source", &source.name, &source.version, &purl)
        })
    }

    /// The program's own crate, with all that was linked to it.
    fn program(&mut self, program: &Program) -> String {
        let Linked { crates, toolchain, libc } = &program.linked;
        let ids: Vec<String> = crates.iter().map(|part| self.part(part)).collect();
        let std = Purl::generic("rust-std", &toolchain.release);
        let std = self.add(Package {
            download_location: format!("git+https://github.com/rust-lang/rust@{}", toolchain.commit),
            license_declared: "MIT OR Apache-2.0".to_owned(),
            external_refs: vec![manager(&std)],
            ..plain("Toolchain", "rust-std", &toolchain.release, &std)
        });
        let libc = self.deb(libc);
        // A program without crates would be none.
        let own = ids.first().cloned().unwrap_or_default();
        for other in ids.iter().skip(1).chain([&std, &libc]) {
            self.relate(&own, "STATIC_LINK", other);
        }
        own
    }

    fn part(&mut self, part: &Crate) -> String {
        let purl = Purl::cargo(&part.name, &part.version);
        self.add(Package {
            checksums: part.checksum.iter().map(sha256).collect(),
            license_declared: declared(part.license.as_ref()),
            external_refs: vec![manager(&purl)],
            ..plain("Crate", &part.name, &part.version, &purl)
        })
    }
}

/// A package of which no more is known.
fn plain(kind: &str, name: &str, version: &str, purl: &Purl) -> Package {
    Package {
        spdx_id: id(kind, name, purl.as_str()),
        name: name.to_owned(),
        version_info: version.to_owned(),
        supplier: None,
        download_location: NO_ASSERTION.to_owned(),
        files_analyzed: false,
        package_verification_code: None,
        checksums: Vec::new(),
        license_concluded: NO_ASSERTION.to_owned(),
        license_declared: NO_ASSERTION.to_owned(),
        license_comments: None,
        copyright_text: NO_ASSERTION.to_owned(),
        summary: None,
        external_refs: Vec::new(),
        primary_package_purpose: None,
    }
}

fn image(inventory: &Inventory) -> Package {
    let image = &inventory.image;
    let purl = Purl::oci(&image.name, &image.digest.to_string(), &image.architecture);
    let mut sums: Vec<String> = inventory.files.iter().map(|file| file.sums.sha1.hex()).collect();
    sums.sort();
    let code = Sha1::of(sums.concat().as_bytes()).hex();
    Package {
        spdx_id: IMAGE.to_owned(),
        files_analyzed: true,
        package_verification_code: Some(VerificationCode { package_verification_code_value: code }),
        checksums: vec![sha256(&image.digest)],
        summary: Some(image.description.clone()),
        external_refs: vec![manager(&purl)],
        primary_package_purpose: Some("CONTAINER".to_owned()),
        ..plain("Image", &image.name, &image.version, &purl)
    }
}

fn manager(purl: &Purl) -> ExternalRef {
    ExternalRef {
        reference_category: "PACKAGE-MANAGER".to_owned(),
        reference_type: "purl".to_owned(),
        reference_locator: purl.to_string(),
    }
}

fn declared(license: Option<&License>) -> String {
    license.map_or(NO_ASSERTION, License::as_str).to_owned()
}

fn sha1(sum: Sha1) -> Checksum {
    Checksum { algorithm: "SHA1".to_owned(), checksum_value: sum.hex() }
}

fn sha256(sum: &Digest) -> Checksum {
    Checksum { algorithm: "SHA256".to_owned(), checksum_value: sum.hex() }
}

/// An identifier of letters, digits, `.` and `-` (clause 7.2), which `unique` alone decides.
fn id(kind: &str, name: &str, unique: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    format!("SPDXRef-{kind}-{name}-{}", &Digest::of(unique.as_bytes()).hex()[..12])
}

#[cfg(test)]
pub(crate) mod tests;
