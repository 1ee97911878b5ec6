//! Where Debian's archive is fetched from.
//!
//! The user's word first, then the project's, then the machine's: a flag, the environment variable `QUS_MIRROR`,
//! `images.toml`, the machine's own apt sources when they are Debian's, and Debian's own address.

use std::fmt;
use std::path::Path;

use deb822_fast::Deb822;
use http::{Address, redacted};

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

/// Who chose a mirror.
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

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> String {
        format!("a mirror is the URL of the folder that holds `dists` and `pool`, such as {DEFAULT}")
    }
}

impl Mirror {
    /// Takes the first that is given. `apt_sources` are the texts that [`apt_sources`] reads. An empty value counts as
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
        let apt = apt_sources.iter().flat_map(|text| archives_of(text));
        // What apt can read and this cannot (`cdrom:`, `mirror+file:`) is no reason to stop.
        let apt = apt.filter_map(|uri| Mirror::parse(&uri, Origin::Apt).ok()).find(Mirror::is_debian);
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

    /// Who chose it.
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

/// The URLs in one apt source file, one-line or deb822 (sources.list(5)), whose suites are Debian's and not a security
/// archive's.
fn archives_of(text: &str) -> Vec<String> {
    let mut uris = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(rest) = line.strip_prefix("deb ") else { continue };
        // Options stand in brackets, and may hold spaces.
        let rest = match rest.trim_start().strip_prefix('[') {
            Some(options) => options.split_once(']').map_or("", |(_, rest)| rest),
            None => rest,
        };
        let mut words = rest.split_whitespace();
        if let (Some(uri), Some(suite)) = (words.next(), words.next())
            && !suite.contains("security")
            && words.any(|component| component == "main")
        {
            uris.push(uri.to_owned());
        }
    }
    for paragraph in text.parse::<Deb822>().map(Vec::from).unwrap_or_default() {
        let words = |name: &str| paragraph.get(name).unwrap_or_default().split_whitespace();
        let wanted = words("Types").any(|kind| kind == "deb")
            && words("Components").any(|component| component == "main")
            && !words("Suites").any(|suite| suite.contains("security"))
            && !words("Enabled").any(|enabled| enabled.eq_ignore_ascii_case("no"));
        if wanted {
            uris.extend(words("URIs").map(str::to_owned));
        }
    }
    uris
}

/// Reads the machine's apt sources, `sources.list` first and the rest by name, under `etc_apt` (`/etc/apt`). What cannot
/// be read is left out: the machine may not use apt at all.
pub fn apt_sources(etc_apt: &Path) -> Vec<String> {
    let parts = std::fs::read_dir(etc_apt.join("sources.list.d")).into_iter().flatten().flatten();
    let mut paths: Vec<_> = parts
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "list" || ext == "sources"))
        .collect();
    paths.sort();
    paths.insert(0, etc_apt.join("sources.list"));
    paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: [Option<&str>; 3], apt: &str, expected: Result<&str, &str>) {
        let actual = Mirror::choose(given[0], given[1], given[2], &[apt.to_owned()])
            .map(|mirror| format!("{mirror} from {}", mirror.origin()))
            .map_err(|error| error.to_string());
        assert_eq!(actual, expected.map(str::to_owned).map_err(str::to_owned));
    }

    const DEB822: &str = "\
Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main

# A comment.
Types: deb
URIs: http://deb.example/debian/
Suites: bookworm bookworm-updates
Components: main
";

    #[test]
    fn the_first_that_is_given_wins() {
        let apt = "deb http://apt.example/debian bookworm main";
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
        check([None; 3], DEB822, Ok("http://deb.example/debian from the machine's apt sources"));
        check([None; 3], "deb http://security.example/debian-security bookworm-security main", none);
        check([None; 3], "deb http://x.example/debian bookworm-security main", none);
        check([None; 3], "deb http://archive.example/ubuntu noble main", none);
        check([None; 3], "deb https://other.example/apt cloud main", none);
        check([None; 3], "# deb http://x.example/debian bookworm main", none);
        check([None; 3], "deb-src http://x.example/debian bookworm main", none);
        check([None; 3], "deb cdrom:[Debian]/debian bookworm main", none);
        check([None; 3], &format!("{DEB822}Enabled: no\n"), none);
        check(
            [None; 3],
            "deb [arch=amd64 signed-by=/a b] http://x.example/debian bookworm main",
            Ok("http://x.example/debian from the machine's apt sources"),
        );
    }

    #[test]
    fn apt_sources_are_read_in_apts_order() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(apt_sources(dir.path()), [""; 0]);
        std::fs::create_dir(dir.path().join("sources.list.d")).unwrap();
        for name in
            ["sources.list.d/b.list", "sources.list.d/a.sources", "sources.list.d/c.bak", "sources.list"]
        {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        let expected = ["sources.list", "sources.list.d/a.sources", "sources.list.d/b.list"];
        assert_eq!(apt_sources(dir.path()), expected);
    }

    #[test]
    fn a_password_is_used_and_not_shown() {
        let expected = Ok("http://***@m.example/debian from --mirror");
        check([Some("http://ada:s3cret@m.example/debian/"), None, None], "", expected);
        let expected = Ok("https://***@m.example/debian from QUS_MIRROR");
        check([None, Some("https://s3cret@m.example/debian"), None], "", expected);
        for apt in [
            "deb http://ada:s3cret@m.example/debian sid main",
            "Types: deb\nURIs: http://ada:s3cret@m.example/debian\nSuites: sid\nComponents: main\n",
        ] {
            check([None; 3], apt, Ok("http://***@m.example/debian from the machine's apt sources"));
            let mirror = Mirror::choose(None, None, None, &[apt.to_owned()]).unwrap();
            let url = mirror.url("dists/sid/InRelease");
            assert_eq!(url.url().as_str(), "http://ada:s3cret@m.example/debian/dists/sid/InRelease");
            let all = format!("{mirror:?} {url} {url:?}");
            assert!(!all.contains("s3cret"), "{all}");
        }
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
            let all = format!("{error:?} {}", error.hint());
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
