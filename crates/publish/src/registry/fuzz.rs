//! The answers of registries and token servers, and names of images, for fuzzers.

use http::header::{HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use http::{StatusCode, Url};

use super::auth;
use super::challenge::Challenge;
use super::client;
use super::reference::{Reference, Repository};
use super::transport::Answer;

/// Values of `WWW-Authenticate`, one a line: a challenge that is written as the standard has it is understood alike.
pub fn challenge(bytes: &[u8]) {
    let values = bytes.split(|byte| *byte == b'\n');
    let headers: HeaderMap =
        values.filter_map(|value| Some((WWW_AUTHENTICATE, HeaderValue::from_bytes(value).ok()?))).collect();
    let Some(challenge) = Challenge::read(&headers) else { return };
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let written = match &challenge {
        Challenge::Basic => "Basic".to_owned(),
        Challenge::Bearer { realm, service } => {
            let service = service.as_deref().map(|service| format!(",service={}", quoted(service)));
            format!("Bearer realm={}{}", quoted(realm), service.unwrap_or_default())
        }
    };
    let written = HeaderValue::try_from(written).expect("it came out of a header");
    assert_eq!(Challenge::read(&[(WWW_AUTHENTICATE, written)].into_iter().collect()), Some(challenge));
}

pub(crate) fn challenge_seeds() -> Vec<Vec<u8>> {
    [
        r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
        "basic realm=\"x\", charset=\"UTF-8\", Bearer realm=y\nNegotiate",
        r#"Bearer  realm = "a \"b\", c\\" , service="s""#,
    ]
    .map(Vec::from)
    .into()
}

/// A token server's answer: a token fits into a header, and its life into a day.
pub fn token(bytes: &[u8]) {
    let Some((header, life)) = auth::read(bytes) else { return };
    assert!(header.is_sensitive() && header.as_bytes().len() > "Bearer ".len());
    assert!(life.as_secs() < 24 * 60 * 60, "{life:?}");
}

pub(crate) fn token_seeds() -> Vec<Vec<u8>> {
    [
        r#"{"token":"a","access_token":"b","expires_in":18446744073709551615}"#,
        r#"{"token":"","access_token":"b","expires_in":300,"issued_at":"2026-01-01T00:00:00Z"}"#,
        r#"{"token":null,"expires_in":-1.5e300}"#,
    ]
    .map(Vec::from)
    .into()
}

/// A `Location`, as both kinds of registries answer with it: an upload goes on over HTTP, and not unencrypted if it was not
/// before.
pub fn location(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    for scheme in ["http", "https"] {
        let url: Url = format!("{scheme}://r.example/v2/a/blobs/uploads/").parse().expect("a URL");
        let headers = [(LOCATION, value.clone())].into_iter().collect();
        let answer = Answer { status: StatusCode::ACCEPTED, url, headers, own: true, body: Vec::new() };
        if let Ok(to) = client::location(&answer) {
            assert!(to.scheme() == "https" || (to.scheme() == "http" && scheme == "http"), "{to}");
            assert_eq!(to.as_str().parse(), Ok(to.clone()));
        }
    }
}

pub(crate) fn location_seeds() -> Vec<Vec<u8>> {
    [
        "/v2/a/blobs/uploads/1?_state=x",
        "https://b.example/u?sig=a%2Fb#c",
        "http://[::1]:5000/../x",
        "ftp://x/",
    ]
    .map(Vec::from)
    .into()
}

/// The name of an image: what is understood has one form, which is understood alike and makes addresses.
pub fn reference(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(reference) = text.parse::<Reference>() else { return };
    assert_eq!(reference.to_string().parse(), Ok(reference.clone()));
    let repository = reference.repository();
    assert_eq!(repository.to_string().parse::<Repository>().as_ref(), Ok(repository));
    let path = format!("/v2/{}/manifests/{}", repository.path(), reference.name());
    let url: Result<Url, _> = format!("https://{}{path}", repository.server()).parse();
    if let Ok(url) = url {
        assert_eq!(url.path(), path);
        assert!(url.username().is_empty() && url.password().is_none(), "{url}");
        assert!(url.query().is_none() && url.fragment().is_none(), "{url}");
        // Nobody who is elsewhere is taken for this machine, to which secrets may travel unencrypted.
        let host = url.host_str().unwrap_or_default();
        assert!(!repository.is_loopback() || super::reference::is_loopback(host), "{url}");
    }
}

pub(crate) fn reference_seeds() -> Vec<Vec<u8>> {
    [
        "qus",
        "docker.io/aptman/qus:latest",
        "[::1]:5000/a/b__c--d:v1.0",
        "localhost/x",
        "127.0.0.1:5000/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ]
    .map(Vec::from)
    .into()
}
