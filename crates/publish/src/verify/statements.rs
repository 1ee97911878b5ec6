//! Statements about images, held against the images: a bill of materials lists each file with its digest, and none besides.

use std::collections::BTreeMap;

use attest::provenance::Provenance;
use attest::spdx::{Document, Package};
use attest::statement::{self, StatementError};
use sha256::Digest;

/// A statement that is about the image that it should be about.
pub(super) enum Said {
    /// A bill of materials.
    Listed(Listed),
    /// The record of a build.
    Built(Box<Provenance>),
}

/// The claims of a bill of materials; SHA-256s are in hexadecimal digits.
pub(super) struct Listed {
    /// The SHA-256 that it gives each file.
    pub(super) files: BTreeMap<String, Option<String>>,
    /// The sources that it gives one of.
    pub(super) sources: Vec<Source>,
}

/// A source package in a bill of materials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Debian's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The SHA-256 of its description (.dsc), in hexadecimal digits.
    pub sha256: String,
}

/// Reads a statement about `image`, whose predicate is of the type that its manifest says.
pub(super) fn read(bytes: &[u8], image: Digest, predicate: &str) -> Result<Said, String> {
    let reason = |error: StatementError| error.to_string();
    match predicate {
        statement::SPDX => {
            let document: Document = statement::read(bytes, image, predicate).map_err(reason)?;
            let owned = |(path, sum): (&str, Option<&str>)| (path.to_owned(), sum.map(str::to_owned));
            let files = document.sums().into_iter().map(owned).collect();
            let source = |package: &Package| {
                let (name, version) = (package.name.clone(), package.version_info.clone());
                Some(Source { name, version, sha256: package.sha256()?.to_owned() })
            };
            Ok(Said::Listed(Listed { files, sources: document.sources().filter_map(source).collect() }))
        }
        statement::PROVENANCE => {
            let provenance: Provenance = statement::read(bytes, image, predicate).map_err(reason)?;
            Ok(Said::Built(Box::new(provenance)))
        }
        other => Err(format!("its predicate `{other}` is not known")),
    }
}

/// The differences between the files that are `listed` and those that the image has.
pub(super) fn compare(
    listed: &BTreeMap<String, Option<String>>,
    found: &BTreeMap<&str, Digest>,
) -> Vec<String> {
    let missing = found.keys().filter(|path| !listed.contains_key(**path));
    let mut reasons: Vec<String> = missing.map(|path| format!("it does not list `{path}`")).collect();
    for (path, sum) in listed {
        match (found.get(path.as_str()), sum) {
            (None, _) => reasons.push(format!("it lists `{path}`, which the image does not have")),
            (Some(_), None) => reasons.push(format!("it has no SHA-256 of `{path}`")),
            (Some(digest), Some(sum)) if digest.hex() != *sum => {
                reasons.push(format!("it says that `{path}` is sha256:{sum}, but it is {digest}"));
            }
            (Some(_), Some(_)) => {}
        }
    }
    reasons
}
