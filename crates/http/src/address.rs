//! Addresses that show no secret.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

/// Stands in place of a secret.
const HIDDEN: &str = "***";

/// A URL. Its text hides what can be a secret in it: user and password, and the query, which is where storage servers
/// have their signatures. There is no other way to print it; [`Address::url`] is for sending requests.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(Url);

impl Address {
    /// The URL itself, with its secrets.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The address of a file below this one, given its path from here: `dists/sid/InRelease`. Never one that is elsewhere:
    /// `..`, `%2e%2e`, `?` and `#` are names like others.
    #[must_use]
    pub fn below(&self, path: &str) -> Address {
        let mut url = self.0.clone();
        url.set_query(None);
        url.set_fragment(None);
        // Parsing passes over these wherever they stand (URL Standard, 4.4), and would find `..` in a name with a tab before it.
        let path = path.replace(['\t', '\n', '\r'], "");
        // Fails for what has no path at all (`mailto:`), of which there is nothing below.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        Address(url)
    }
}

impl From<Url> for Address {
    fn from(url: Url) -> Address {
        Address(url)
    }
}

impl FromStr for Address {
    type Err = <Url as FromStr>::Err;

    fn from_str(text: &str) -> Result<Address, Self::Err> {
        text.parse().map(Address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        let has_user = !url.username().is_empty() || url.password().is_some();
        // Neither fails for a URL that has a user.
        if has_user && (url.set_password(None).is_err() || url.set_username(HIDDEN).is_err()) {
            return f.pad(&redacted(self.0.as_str()));
        }
        if url.query().is_some() {
            url.set_query(Some(HIDDEN));
        }
        url.set_fragment(None);
        f.pad(url.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// Returns `text`, which was meant as an address and may be none, as it can be shown: without everything before the last
/// `@`, since nobody can tell where a password ends in what does not parse, and without what follows a `?` or `#`. Control
/// characters are escaped.
pub fn redacted(text: &str) -> String {
    let is_scheme = |scheme: &str| {
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    };
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (&text[..scheme.len() + 3], rest),
        _ => ("", text),
    };
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => (format!("{HIDDEN}@"), rest),
        None => (String::new(), rest),
    };
    let (rest, query) = match rest.find(['?', '#']) {
        Some(at) => (&rest[..at], format!("{}{HIDDEN}", &rest[at..=at])),
        None => (rest, String::new()),
    };
    let shown = format!("{scheme}{user}{rest}{query}");
    let mut text = String::with_capacity(shown.len());
    for c in shown.chars() {
        if c.is_control() { text.extend(c.escape_default()) } else { text.push(c) }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_secret() {
        for (text, expected) in [
            ("http://m.example/debian", "http://m.example/debian"),
            ("http://ada:s3cret@m.example/debian", "http://***@m.example/debian"),
            ("http://s3cret@m.example:81/debian/", "http://***@m.example:81/debian/"),
            ("http://:s3cret@m.example", "http://***@m.example/"),
            ("https://ada:s3%40cret@[::1]:5000/v2/", "https://***@[::1]:5000/v2/"),
            ("https://s.example/x?X-Amz-Signature=s3cret#s3cret", "https://s.example/x?***"),
            ("http:ada:s3cret@m.example/debian", "http://***@m.example/debian"),
            ("cdrom:[Debian]/debian", "cdrom:[Debian]/debian"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), expected);
            assert_eq!(format!("{address:?}"), format!("{expected:?}"));
            assert_eq!(address.url(), &text.parse().unwrap(), "a server is sent all of it");
        }
    }

    #[test]
    fn what_is_no_address_shows_no_secret() {
        for (text, expected) in [
            ("m.example/debian", "m.example/debian"),
            ("ada:s3cret@m.example/debian", "***@m.example/debian"),
            ("http://ada:s3/cret@m.example/debian", "http://***@m.example/debian"),
            ("http://ada:s3?cret@m.example/debian", "http://***@m.example/debian"),
            ("http://ada:s3@cret@m.example", "http://***@m.example"),
            ("http:\\\\ada:s3cret@m.example", "***@m.example"),
            ("http//ada:s3cret@m.example", "***@m.example"),
            ("ada:s3cret://x@m.example", "***@m.example"),
            ("http://x y/?token=s3cret", "http://x y/?***"),
            ("http://x y/#s3cret", "http://x y/#***"),
            ("http://x y\u{1b}[31m", "http://x y\\u{1b}[31m"),
            ("", ""),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn what_is_below_an_address_stays_there() {
        for (base, path, expected) in [
            ("http://m.example", "dists/sid/InRelease", "http://m.example/dists/sid/InRelease"),
            ("http://m.example/debian/", "pool/a_1+b~2.deb", "http://m.example/debian/pool/a_1+b~2.deb"),
            ("http://m.example/debian", "pool/../../x", "http://m.example/debian/pool/x"),
            ("http://m.example/debian", "pool/\t../\n../.\r./x", "http://m.example/debian/pool/x"),
            ("http://m.example/debian", "pool/%2e%2e/x", "http://m.example/debian/pool/%252e%252e/x"),
            ("http://m.example/debian", "a?b#c\\d", "http://m.example/debian/a%3Fb%23c%5Cd"),
            ("http://m.example/debian", "//evil.example/x", "http://m.example/debian///evil.example/x"),
            (
                "http://m.example/debian",
                "http://evil.example/x",
                "http://m.example/debian/http://evil.example/x",
            ),
        ] {
            let base: Address = base.parse().unwrap();
            assert_eq!(base.below(path).url().as_str(), expected);
        }
        let base: Address = "http://ada:s3cret@m.example/debian?x#y".parse().unwrap();
        assert_eq!(base.below("x").url().as_str(), "http://ada:s3cret@m.example/debian/x");
    }
}
