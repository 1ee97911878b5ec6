//! The mirror that Debian's archive is fetched from.
//!
//! The user's word first, then the project's, then the machine's: a flag, the environment variable `QUS_MIRROR`,
//! `images.toml`, the machine's own apt sources when they are Debian's, and Debian's own address.

use std::fmt;

use base::Hint;
use http::{Address, redacted};

mod apt;

pub use apt::sources as apt_sources;
#[cfg(feature = "testing")]
pub(crate) use apt::{in_lines, in_stanzas};

/// Debian's own address.
pub const DEFAULT: &str = "http://ftp.debian.org/debian";
/// Debian's archive of everything that it ever published.
pub const SNAPSHOT: &str = "https://snapshot.debian.org/archive/debian";

/// The address that [`SNAPSHOT`] is.
pub(crate) fn snapshot() -> Address {
    SNAPSHOT.parse().expect("a constant that is an address")
}

/// The base URL of a copy of Debian's archive (what holds `dists/` and `pool/`), and who chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    base: Address,
    origin: Origin,
}

/// The origin of the choice of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `--mirror`
    Flag,
    /// `QUS_MIRROR`
    Environment,
    /// `images.toml`
    Config,
    /// The machine's apt sources.
    Apt,
    /// Nobody: [`DEFAULT`].
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Origin::Flag => "--mirror",
            Origin::Environment => "QUS_MIRROR",
            Origin::Config => "images.toml",
            Origin::Apt => "the machine's apt sources",
            Origin::Default => "built-in",
        })
    }
}

/// A mirror that is no base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid mirror `{given}` (from {origin}): {reason}")]
pub struct Error {
    /// Without its secrets.
    given: String,
    origin: Origin,
    reason: String,
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        Some(format!("a mirror is the URL of the folder that holds `dists` and `pool`, such as {DEFAULT}"))
    }
}

impl Mirror {
    /// Takes the first that is given. `apt_sources` are the URLs that [`apt_sources`] finds. An empty value counts as
    /// not given, as an empty environment variable does; a malformed one is an error and never passed over.
    pub fn choose(
        flag: Option<&str>,
        env: Option<&str>,
        config: Option<&str>,
        apt_sources: &[String],
    ) -> Result<Mirror, Error> {
        let given = [(flag, Origin::Flag), (env, Origin::Environment), (config, Origin::Config)];
        for (value, origin) in given {
            if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
                return Mirror::parse(value, origin);
            }
        }
        // What apt can read and this cannot (`cdrom:`, `mirror+file:`, `$(ARCH)`) is no reason to stop.
        let apt = apt_sources.iter().filter(|uri| !uri.contains("$("));
        let apt = apt.filter_map(|uri| Mirror::parse(uri, Origin::Apt).ok()).find(Mirror::is_debian);
        apt.map_or_else(|| Mirror::parse(DEFAULT, Origin::Default), Ok)
    }

    fn parse(given: &str, origin: Origin) -> Result<Mirror, Error> {
        let invalid = |reason: &str| Error { given: redacted(given), origin, reason: reason.to_owned() };
        let base: Address = given.parse().map_err(|error| invalid(&format!("{error}")))?;
        let url = base.url();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(invalid("only http and https are spoken"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("a base URL has no `?` and no `#`"));
        }
        let mut url = url.clone();
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Mirror { base: url.into(), origin })
    }

    /// True if a URL from apt's sources is that of Debian's main archive, going by its path: mirrors put it at
    /// `…/debian`, and `debian-security`, `debian-ports` and other vendors' archives elsewhere.
    fn is_debian(&self) -> bool {
        self.base.url().path().ends_with("/debian")
    }

    /// The origin of its choice.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The URL of a file, given its path from the base: `dists/sid/InRelease`.
    pub fn url(&self, path: &str) -> Address {
        self.base.below(path)
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.base.to_string().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `apt` has one URL in each line.
    fn check(given: [Option<&str>; 3], apt: &str, expected: Result<&str, &str>) {
        let apt: Vec<String> = apt.lines().map(str::to_owned).collect();
        let actual = Mirror::choose(given[0], given[1], given[2], &apt)
            .map(|mirror| format!("{mirror} from {}", mirror.origin()))
            .map_err(|error| error.to_string());
        assert_eq!(actual, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn the_first_that_is_given_wins() {
        let apt = "http://apt.example/debian";
        check(
            [Some("http://a.example/d/"), Some("http://b.example"), None],
            apt,
            Ok("http://a.example/d from --mirror"),
        );
        check(
            [None, Some("http://b.example"), Some("http://c")],
            apt,
            Ok("http://b.example from QUS_MIRROR"),
        );
        check([Some(""), Some(" "), Some("https://c/x")], apt, Ok("https://c/x from images.toml"));
        check([None, None, None], apt, Ok("http://apt.example/debian from the machine's apt sources"));
        check([None, None, None], "", Ok("http://ftp.debian.org/debian from built-in"));
    }

    #[test]
    fn apt_sources_count_only_when_they_are_debians() {
        let none = Ok("http://ftp.debian.org/debian from built-in");
        for others in [
            "http://security.example/debian-security",
            "http://archive.example/ubuntu",
            "https://other.example/apt",
            "cdrom:[Debian]/debian",
            "mirror+file:/etc/apt/mirrors/debian",
            "http://x.example/$(ARCH)/debian",
        ] {
            check([None; 3], others, none);
            let both = format!("{others}\nhttp://x.example/debian/\nhttp://y.example/debian");
            check([None; 3], &both, Ok("http://x.example/debian from the machine's apt sources"));
        }
    }

    #[test]
    fn a_password_is_used_and_not_shown() {
        let expected = Ok("http://***@m.example/debian from --mirror");
        check([Some("http://ada:s3cret@m.example/debian/"), None, None], "", expected);
        let expected = Ok("https://***@m.example/debian from QUS_MIRROR");
        check([None, Some("https://s3cret@m.example/debian"), None], "", expected);
        let apt = "http://ada:s3cret@m.example/debian";
        check([None; 3], apt, Ok("http://***@m.example/debian from the machine's apt sources"));
        let mirror = Mirror::choose(None, None, None, &[apt.to_owned()]).unwrap();
        let url = mirror.url("dists/sid/InRelease");
        assert_eq!(url.url().as_str(), "http://ada:s3cret@m.example/debian/dists/sid/InRelease");
        let all = format!("{mirror:?} {url} {url:?}");
        assert!(!all.contains("s3cret"), "{all}");
        for (given, shown, reason) in [
            ("ftp://ada:s3cret@x/debian", "ftp://***@x/debian", "only http and https are spoken"),
            ("http://ada:s3/cret@x/debian", "http://***@x/debian", "invalid port number"),
            ("ada:s3cret@x/debian", "***@x/debian", "only http and https are spoken"),
            (
                "http://ada:s3cret@x/debian?token=s3cret",
                "http://***@x/debian?***",
                "a base URL has no `?` and no `#`",
            ),
        ] {
            let message = format!("invalid mirror `{shown}` (from --mirror): {reason}");
            check([Some(given), None, None], "", Err(&message));
            let error = Mirror::choose(Some(given), None, None, &[]).unwrap_err();
            let all = format!("{error:?} {:?}", error.hint());
            assert!(!all.contains("s3cret") && !all.contains("cret@"), "{all}");
        }
    }

    #[test]
    fn a_malformed_mirror_is_an_error() {
        check(
            [Some("ftp.debian.org"), None, None],
            "",
            Err("invalid mirror `ftp.debian.org` (from --mirror): relative URL without a base"),
        );
        check(
            [None, Some("ftp://x/debian"), None],
            "",
            Err("invalid mirror `ftp://x/debian` (from QUS_MIRROR): only http and https are spoken"),
        );
        check(
            [None, None, Some("http://x/debian?a")],
            "",
            Err("invalid mirror `http://x/debian?***` (from images.toml): a base URL has no `?` and no `#`"),
        );
    }
}
