//! Statements about images, held against the images: a bill of materials lists each file with its digest, and none besides.

use std::collections::BTreeMap;

use attest::provenance::Provenance;
use attest::spdx::Document;
use attest::statement::{self, StatementError};
use sha256::Digest;

/// A statement that is about the image that it should be about.
pub(super) enum Said {
    /// The SHA-256 that it gives each file, in hexadecimal digits.
    Files(BTreeMap<String, Option<String>>),
    /// The record of a build.
    Built(Box<Provenance>),
}

/// Reads a statement about `image`, whose predicate is of the type that its manifest says.
pub(super) fn read(bytes: &[u8], image: Digest, predicate: &str) -> Result<Said, String> {
    let reason = |error: StatementError| error.to_string();
    match predicate {
        statement::SPDX => {
            let document: Document = statement::read(bytes, image, predicate).map_err(reason)?;
            let owned = |(path, sum): (&str, Option<&str>)| (path.to_owned(), sum.map(str::to_owned));
            Ok(Said::Files(document.sums().into_iter().map(owned).collect()))
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
