//! Docker's contexts, for fuzzers.

use super::endpoint::{self, Endpoint};

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
