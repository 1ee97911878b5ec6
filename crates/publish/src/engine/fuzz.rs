//! Docker's contexts and what engines say, for fuzzers.

use bollard::models::PushImageInfo;

use super::endpoint::{self, Endpoint};
use super::push::parse_digest;

/// A context's `meta.json`: an address that is understood has one form, which is understood alike.
pub fn context(bytes: &[u8]) {
    let Ok(context) = endpoint::parse_context(bytes) else { return };
    let Ok(endpoint) = context.host.parse::<Endpoint>() else { return };
    assert!(!matches!(endpoint, Endpoint::Tls { .. }), "certificates are not a part of an address");
    assert_eq!(endpoint.to_string().parse::<Endpoint>().ok(), Some(endpoint));
}

pub(crate) fn context_seeds() -> Vec<Vec<u8>> {
    [
        r#"{"Name":"lab","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///lab.sock","SkipTLSVerify":false}}}"#,
        r#"{"Endpoints":{"docker":{"Host":"tcp://10.0.0.1:2376/","SkipTLSVerify":true}}}"#,
        r#"{"Endpoints":{"docker":{"Host":"/run/x.sock"}}}"#,
    ]
    .map(Vec::from)
    .into()
}

/// One document of the stream that an engine answers a push with: a digest that is taken from it stands in it.
pub fn stream(bytes: &[u8]) {
    let Ok(line) = serde_json::from_slice::<PushImageInfo>(bytes) else { return };
    let Some(status) = line.status else { return };
    if let Some(digest) = parse_digest(&status) {
        assert!(status.contains(&digest.to_string()), "{status}");
    }
}

pub(crate) fn stream_seeds() -> Vec<Vec<u8>> {
    let digest = sha256::Digest::of(b"x");
    [
        format!(r#"{{"status":"latest: digest: {digest} size: 1234"}}"#),
        r#"{"errorDetail":{"code":1,"message":"denied"},"error":"denied"}"#.to_owned(),
        r#"{"status":"Pushing","progressDetail":{"current":1,"total":2},"progress":"[=> ]","id":"0123"}"#
            .to_owned(),
        r#"{"progressDetail":{},"aux":{"Tag":"latest","Digest":"sha256:00","Size":1}}"#.to_owned(),
    ]
    .map(String::into_bytes)
    .into()
}
