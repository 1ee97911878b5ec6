//! Statements about an image (in-toto attestation framework, spec/v1/statement.md).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha256::Digest;

/// The version of the form of statements.
const TYPE: &str = "https://in-toto.io/Statement/v1";
/// The one that BuildKit writes.
const OLD_TYPE: &str = "https://in-toto.io/Statement/v0.1";

/// The predicate of a bill of materials.
pub const SPDX: &str = "https://spdx.dev/Document";
/// The predicate of the record of a build.
pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    predicate: P,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Subject {
    /// The convention for a name that means nothing: the same image has the same statement under any tag.
    name: String,
    digest: BTreeMap<String, String>,
}

/// The bytes of the statement that `predicate` is true of the image with the manifest `subject`.
pub fn write<P: Serialize>(subject: Digest, predicate_type: &str, predicate: &P) -> Vec<u8> {
    let statement = Statement {
        kind: TYPE.to_owned(),
        subject: vec![Subject {
            name: "_".to_owned(),
            digest: BTreeMap::from([("sha256".to_owned(), subject.hex())]),
        }],
        predicate_type: predicate_type.to_owned(),
        predicate,
    };
    serde_json::to_vec(&statement).expect("string keys and no failing serializers")
}

/// Reads the predicate of a statement that must be one of `predicate_type` about `subject`.
pub fn read<P: serde::de::DeserializeOwned>(
    bytes: &[u8],
    subject: Digest,
    predicate_type: &str,
) -> Result<P, StatementError> {
    let statement: Statement<serde_json::Value> =
        serde_json::from_slice(bytes).map_err(|error| StatementError::Json(error.to_string()))?;
    if ![TYPE, OLD_TYPE].contains(&&*statement.kind) {
        return Err(StatementError::Type(statement.kind));
    }
    if statement.predicate_type != predicate_type {
        return Err(StatementError::Predicate(statement.predicate_type));
    }
    let is_subject = |found: &Subject| found.digest.get("sha256") == Some(&subject.hex());
    if statement.subject.is_empty() || !statement.subject.iter().all(is_subject) {
        let found = statement.subject.iter().find(|found| !is_subject(found));
        let found = found.and_then(|found| found.digest.get("sha256"));
        return Err(StatementError::Subject(
            found.map_or_else(|| "nothing".to_owned(), |hex| format!("sha256:{hex}")),
        ));
    }
    serde_json::from_value(statement.predicate).map_err(|error| StatementError::Json(error.to_string()))
}

/// The reason why bytes are not the statement that they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// No JSON, or of another shape.
    #[error("it is no statement: {0}")]
    Json(String),
    /// Of another form.
    #[error("it is a statement of the unknown type `{0}`")]
    Type(String),
    /// About something else.
    #[error("its predicate is `{0}`")]
    Predicate(String),
    /// About another image.
    #[error("it is about {0}")]
    Subject(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_its_image_and_no_other_is_read() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let bytes = write(a, SPDX, &[1]);
        let hex = a.hex();
        let expected = format!(
            r#"{{"_type":"{TYPE}","subject":[{{"name":"_","digest":{{"sha256":"{hex}"}}}}],"predicateType":"{SPDX}","predicate":[1]}}"#
        );
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        assert_eq!(read::<Vec<u8>>(&bytes, a, SPDX), Ok(vec![1]));
        let check = |bytes: &str, subject, kind, expected: &str| {
            assert_eq!(read::<Vec<u8>>(bytes.as_bytes(), subject, kind).unwrap_err().to_string(), expected);
        };
        check(&expected, b, SPDX, &format!("it is about {a}"));
        check(&expected, a, PROVENANCE, &format!("its predicate is `{SPDX}`"));
        check("{", a, SPDX, "it is no statement: EOF while parsing an object at line 1 column 1");
        check(
            &expected.replace("Statement/v1", "Statement/v2"),
            a,
            SPDX,
            "it is a statement of the unknown type `https://in-toto.io/Statement/v2`",
        );
        check(
            &expected.replace("[1]", "[-1]"),
            a,
            SPDX,
            "it is no statement: invalid value: integer `-1`, expected u8",
        );
        let nothing =
            format!(r#"{{"_type":"{TYPE}","subject":[],"predicateType":"{SPDX}","predicate":[1]}}"#);
        check(&nothing, a, SPDX, "it is about nothing");
    }
}
