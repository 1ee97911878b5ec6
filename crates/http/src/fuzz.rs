//! The parsers of foreign bytes, each as a function that any bytes may be given to, with inputs to begin from.
//!
//! `fuzz/` runs them under libFuzzer, and this crate's test `fuzz` on mutations of the seeds. They panic where something is taken
//! that must not be.

use fuzzing::Target;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};

use crate::{Address, redacted, redirect, retry_after};

/// All of them.
pub const TARGETS: [Target; 3] = [
    Target { name: "http_address", run: address, seeds: address_seeds },
    Target { name: "http_redirect", run: redirect, seeds: redirect_seeds },
    Target { name: "http_retry_after", run: retry_after, seeds: retry_after_seeds },
];

/// The first line, and what follows it.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    (&bytes[..end], &bytes[bytes.len().min(end + 1)..])
}

/// Headers with this value, if it can be one.
fn headers(name: HeaderName, value: &[u8]) -> Option<HeaderMap> {
    Some([(name, HeaderValue::from_bytes(value).ok()?)].into_iter().collect())
}

fn parsed(bytes: &[u8]) -> Option<Address> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// An address, and on the next line a path below it: no secret is shown, and nothing below is elsewhere.
pub fn address(bytes: &[u8]) {
    let (first, path) = line(bytes);
    let shown = redacted(&String::from_utf8_lossy(first));
    assert!(!shown.contains(char::is_control), "{shown:?}");
    let Some(address) = parsed(first) else { return };
    if let Ok(shown) = address.to_string().parse::<Url>() {
        assert!(shown.password().is_none() && shown.fragment().is_none(), "{shown}");
        assert!(matches!(shown.username(), "" | "***"), "{shown}");
        assert!(matches!(shown.query(), None | Some("***")), "{shown}");
    }
    if matches!(address.url().scheme(), "http" | "https") {
        let below = address.below(&String::from_utf8_lossy(path));
        let base = address.url().path().trim_end_matches('/');
        assert!(below.url().path().starts_with(base), "{base} {below}");
        assert_eq!(below.url().origin(), address.url().origin());
        assert_eq!(below.url().as_str().parse(), Ok(below.url().clone()));
    }
}

fn address_seeds() -> Vec<Vec<u8>> {
    [
        "http://ada:s3cret@m.example:81/debian/\ndists/sid/InRelease",
        "https://[::1]:5000/x?X-Amz-Signature=s3cret#s3cret\n../%2e%2e/a?b#c",
        "http:ada:s3cret@m.example/debian\n./../x",
        "cdrom:[Debian]/debian\nx",
    ]
    .map(Vec::from)
    .into()
}

/// An address, and on the next line the `Location` that its server answers with: encryption stays, and credentials go to
/// no other server.
pub fn redirect(bytes: &[u8]) {
    let (first, location) = line(bytes);
    let Some(from) = parsed(first) else { return };
    let Some(headers) = headers(LOCATION, location) else { return };
    let from = from.url();
    if !matches!(from.scheme(), "http" | "https") {
        return;
    }
    for status in [StatusCode::SEE_OTHER, StatusCode::TEMPORARY_REDIRECT] {
        let Ok(Some(to)) = redirect::target(from, &Method::GET, status, &headers) else { continue };
        assert!(to.scheme() == "https" || (to.scheme() == "http" && from.scheme() == "http"), "{to}");
        let user = (to.username(), to.password());
        let own = to.origin() == from.origin();
        assert_eq!(user, if own { (from.username(), from.password()) } else { ("", None) });
        assert_eq!(to.as_str().parse(), Ok(to.clone()));
    }
}

fn redirect_seeds() -> Vec<Vec<u8>> {
    [
        "http://u:p@a.example/x\n/y",
        "http://u:p@a.example/x\nhttp://v:q@a.example:80/y?z",
        "https://u:p@a.example/x\nhttps://b.example/y",
        "https://a.example/x\nhttp://a.example/y",
        "http://a.example/x\nfile:///etc/passwd",
        "https://u@a.example/x/\n//b.example/%2e%2e/y#z",
    ]
    .map(Vec::from)
    .into()
}

/// A `Retry-After`: as time goes by, the wait gets no longer.
pub fn retry_after(bytes: &[u8]) {
    let Some(headers) = headers(RETRY_AFTER, bytes) else { return };
    let now = Timestamp::UNIX_EPOCH;
    let wait = retry_after::read(&headers, now);
    let later = retry_after::read(&headers, now + SignedDuration::from_hours(24 * 365 * 60));
    assert_eq!(wait.is_some(), later.is_some());
    assert!(later <= wait, "{wait:?} {later:?}");
}

fn retry_after_seeds() -> Vec<Vec<u8>> {
    [
        "120",
        "18446744073709551616",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Fri, 31 Dec 9999 23:59:60 GMT",
    ]
    .map(Vec::from)
    .into()
}
