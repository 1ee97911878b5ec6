//! The text that is signed (containers/image, docs/containers-signature.5.md, "Simple signing"; sigstore/cosign,
//! specs/SIGNATURE_SPEC.md, "Payload").

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha256::Digest;

/// The media type of a claim.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The kind of claim that cosign makes.
const KIND: &str = "cosign container image signature";

/// The claim that an image is in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The repository: `docker.io/aptman/qus`. Some tools write a tag after it.
    pub repository: String,
    /// The digest of the image or index.
    pub digest: Digest,
}

/// A claim that is none, or not of this kind.
#[derive(Debug, thiserror::Error)]
pub enum BadClaim {
    /// It is not the JSON that a claim is.
    #[error("it is no claim: {0}")]
    Json(#[from] serde_json::Error),
    /// It claims something else.
    #[error("it claims to be `{0}`, not `{KIND}`")]
    Kind(String),
}

/// All members that count are known: one that is not may be a condition (section "critical" of the former).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    critical: Critical,
    #[serde(default)]
    optional: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    #[serde(rename = "docker-reference")]
    reference: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: Digest,
}

impl Claim {
    /// The text, always the same for the same claim.
    pub fn to_bytes(&self) -> Vec<u8> {
        let critical = Critical {
            identity: Identity { reference: self.repository.clone() },
            image: Image { digest: self.digest },
            kind: KIND.to_owned(),
        };
        let text = Text { critical, optional: Value::Null };
        serde_json::to_vec(&text).expect("string keys and no failing serializers")
    }

    /// Reads a text. It is to be believed only after its signature.
    pub fn parse(bytes: &[u8]) -> Result<Claim, BadClaim> {
        let text: Text = oci::spec::parse(MEDIA_TYPE, bytes)?;
        match text.critical.kind.as_str() {
            KIND => {}
            _ => return Err(BadClaim::Kind(text.critical.kind)),
        }
        Ok(Claim { repository: text.critical.identity.reference, digest: text.critical.image.digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn text(reference: &str, digest: &str, kind: &str, more: &str) -> String {
        format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"{reference}"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"{kind}"}}{more}}}"#
        )
    }

    #[test]
    fn the_text_is_cosigns() {
        let claim = Claim { repository: "index.docker.io/aptman/qus".to_owned(), digest: Digest::of(b"abc") };
        let expected = text(&claim.repository, &format!("sha256:{HEX}"), KIND, r#","optional":null"#);
        assert_eq!(String::from_utf8(claim.to_bytes()).unwrap(), expected);
        assert_eq!(Claim::parse(expected.as_bytes()).unwrap(), claim);
        let signed_by_others = [r#","optional":{"creator":"somebody","timestamp":1700000000}"#, ""];
        for more in signed_by_others {
            let other = text(&claim.repository, &format!("sha256:{HEX}"), KIND, more);
            assert_eq!(Claim::parse(other.as_bytes()).unwrap(), claim);
        }
    }

    #[test]
    fn other_texts_are_no_claims() {
        let digest = format!("sha256:{HEX}");
        let right = text("r.example/x", &digest, KIND, "");
        let condition = right.replace(r#""type""#, r#""not-after":1,"type""#);
        let twice = right.replace(r#""type""#, r#""TYPE":"x","type""#);
        for (bytes, expected) in [
            ("", "EOF while parsing"),
            ("[]", "expected struct Text"),
            (&right[..right.len() - 1], "EOF while parsing"),
            (&condition, "unknown field `not-after`"),
            (&twice, "`TYPE`"),
            (&text("r.example/x", "sha256:00", KIND, ""), "sha256:"),
            (&text("r.example/x", &digest, KIND, r#","more":1"#), "unknown field `more`"),
            (
                &text("r.example/x", &digest, "atomic container signature", ""),
                "it claims to be `atomic container signature`, not `cosign container image signature`",
            ),
        ] {
            let error = Claim::parse(bytes.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{bytes}: {error}");
        }
    }
}
