//! Redirects: those that are followed, and what goes along.
//!
//! The library's own policy shows a request's address to the next server (`Referer`), keeps credentials for another scheme at
//! the same port, takes a step down from https to http, and sends forms on; so it is switched off, and this takes its place.

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Method, StatusCode, Url};

use crate::address::Address;
use crate::failure::Cause;

/// Returns the address that the answer to a request at `from` sends it on to; `None` if it is an answer.
///
/// 301, 302, 307 and 308 repeat the request as it is (RFC 9110, 15.4: to turn a POST into a GET is allowed for 301 and 302,
/// and serves nobody here). 303 says that the answer to something else is elsewhere, so it counts for GET and HEAD alone.
pub(crate) fn target(
    from: &Url,
    method: &Method,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<Url>, Cause> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match status.as_u16() {
        301 | 302 | 307 | 308 => {}
        303 if reads => {}
        _ => return Ok(None),
    }
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let Some(mut to) = location.and_then(|location| from.join(location).ok()) else { return Ok(None) };
    if !matches!(to.scheme(), "http" | "https") {
        return Err(Cause::Scheme { to: Address::from(to) });
    }
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err(Cause::Downgrade { to: Address::from(to) });
    }
    // A server names no user for us: those that we have are for the server that we were given them for.
    let (user, password) =
        if to.origin() == from.origin() { (from.username(), from.password()) } else { ("", None) };
    // Cannot fail for http and https, which have hosts.
    let _ = to.set_username(user);
    let _ = to.set_password(password);
    Ok(Some(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        from: &str,
        method: &Method,
        status: u16,
        location: Option<&str>,
        expected: Result<Option<&str>, &str>,
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        let headers = location.map(|location| (LOCATION, location.parse().unwrap())).into_iter().collect();
        let actual = target(&from.parse().unwrap(), method, status, &headers);
        let actual = actual.map(|url| url.map(String::from)).map_err(|cause| cause.to_string());
        assert_eq!(actual, expected.map(|url| url.map(str::to_owned)).map_err(str::to_owned), "{location:?}");
    }

    #[test]
    fn a_redirect_repeats_the_request_or_is_an_answer() {
        let (from, to) = ("http://a.example/x", Some("http://b.example/y"));
        for status in [301, 302, 307, 308] {
            for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH] {
                check(from, &method, status, to, Ok(to));
            }
        }
        check(from, &Method::GET, 303, to, Ok(to));
        check(from, &Method::POST, 303, to, Ok(None));
        for status in [200, 201, 202, 300, 304, 305, 306, 401, 503] {
            check(from, &Method::GET, status, to, Ok(None));
        }
        check(from, &Method::GET, 307, None, Ok(None));
        check(from, &Method::GET, 307, Some("http://[::g]/"), Ok(None));
    }

    #[test]
    fn credentials_stay_and_encryption_stays() {
        let check = |from, to, expected| check(from, &Method::GET, 307, Some(to), expected);
        check("http://u:p@a.example/x", "/y", Ok(Some("http://u:p@a.example/y")));
        check("http://u:p@a.example/x", "y?z", Ok(Some("http://u:p@a.example/y?z")));
        check("http://u:p@a.example/x", "http://a.example:80/y", Ok(Some("http://u:p@a.example/y")));
        check("http://u:p@a.example/x", "http://v:q@a.example/y", Ok(Some("http://u:p@a.example/y")));
        check("http://u:p@a.example/x", "http://a.example:81/y", Ok(Some("http://a.example:81/y")));
        check("http://u:p@a.example/x", "https://a.example/y", Ok(Some("https://a.example/y")));
        check("http://u:p@a.example/x", "//b.example/y", Ok(Some("http://b.example/y")));
        check("http://a.example/x", "http://admin:admin@router.example/", Ok(Some("http://router.example/")));
        let text = "redirected from https to the unencrypted http://a.example/y";
        check("https://a.example/x", "http://a.example/y", Err(text));
        let text = "redirected to file:///etc/passwd, which is neither http nor https";
        check("http://a.example/x", "file:///etc/passwd", Err(text));
    }
}
