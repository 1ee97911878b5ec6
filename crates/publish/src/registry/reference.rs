//! Names of images: `docker.io/aptman/qus:latest`.
//!
//! The grammar, and the rules by which a short name is completed, are those of the `reference` package that Docker
//! and podman share (github.com/distribution/reference), so that a name means here what it means to them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use sha256::Digest;

/// Docker Hub's name in references, in short ones left out.
const HUB: &str = "docker.io";
/// The real address of Docker Hub's registry.
const HUB_SERVER: &str = "registry-1.docker.io";

/// A repository at a registry: `docker.io/aptman/qus`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    registry: String,
    path: String,
}

/// An image in a repository, by tag or by digest; without either, by the tag `latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    repository: Repository,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Repository {
    /// The registry's name, with its port if it has one: `docker.io`, `127.0.0.1:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The name inside the registry: `aptman/qus`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The server to talk to, which for Docker Hub has another name.
    pub fn server(&self) -> &str {
        if self.registry == HUB { HUB_SERVER } else { &self.registry }
    }

    /// True if the registry is on this machine, so that nobody else can listen to what is sent to it.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.registry)
    }
}

/// True if `host` (with or without a port) is a name of this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Reference {
    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag, if the reference has one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if the reference has one. It counts more than the tag.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// True if `text`, if it is a reference, names its registry. A short one, of Docker Hub's, may look like a path.
    pub fn names_registry(text: &str) -> bool {
        split_registry(text).is_some()
    }

    /// The name to ask the registry for: the digest, else the tag, else `latest`.
    pub fn name(&self) -> String {
        match (self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }
}

impl FromStr for Repository {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Repository, ParseReferenceError> {
        let reference: Reference = text.parse()?;
        match reference {
            Reference { repository, tag: None, digest: None } => Ok(repository),
            _ => Err(fail(text, Reason::NotBare)),
        }
    }
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Reference, ParseReferenceError> {
        let (rest, digest) = match text.split_once('@') {
            None => (text, None),
            Some((rest, digest)) => (rest, Some(digest.parse().map_err(|_| fail(text, Reason::Digest))?)),
        };
        // A colon before the last slash belongs to a port.
        let after_slash = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[after_slash..].find(':') {
            None => (rest, None),
            Some(colon) => (&rest[..after_slash + colon], Some(&rest[after_slash + colon + 1..])),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(fail(text, Reason::Tag));
        }
        let (registry, path) = match split_registry(name) {
            Some((registry, rest)) => (registry, rest.to_owned()),
            None => (HUB, name.to_owned()),
        };
        let registry = if registry == "index.docker.io" { HUB } else { registry };
        // Docker Hub's own images.
        let path = if registry == HUB && !path.contains('/') { format!("library/{path}") } else { path };
        if !is_host(registry) {
            return Err(fail(text, Reason::Host));
        }
        if path.len() > 255 || !path.split('/').all(is_component) {
            return Err(fail(text, Reason::Path));
        }
        let repository = Repository { registry: registry.to_owned(), path };
        Ok(Reference { repository, tag: tag.map(str::to_owned), digest })
    }
}

/// The registry that `name` begins with, and the rest; a short name of Docker Hub's begins with none.
fn split_registry(name: &str) -> Option<(&str, &str)> {
    name.split_once('/').filter(|(first, _)| first.contains(['.', ':']) || *first == "localhost")
}

fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (text, None),
    };
    let named = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let label = |part: &str| {
                !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                    && !part.starts_with('-')
                    && !part.ends_with('-')
            };
            name.split('.').all(label)
        }
    };
    named && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
}

/// Lowercase letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let joins = text.split(|c: char| c.is_ascii() && letter(c as u8)).filter(|join| !join.is_empty());
    text.bytes().next().is_some_and(letter)
        && text.bytes().last().is_some_and(letter)
        && joins.into_iter().all(|join| matches!(join, "." | "_" | "__") || join.bytes().all(|b| b == b'-'))
}

fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(f)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

/// A string that names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {reason}")]
pub struct ParseReferenceError {
    text: String,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("the registry's name is not a host, with or without a port")]
    Host,
    #[error(
        "a repository's name has parts of lowercase letters and digits, joined by single `.`, `_` or `-`"
    )]
    Path,
    #[error("a tag has up to 128 letters, digits, `_`, `.` and `-`")]
    Tag,
    #[error("after `@` comes `sha256:` and 64 lowercase hexadecimal digits")]
    Digest,
    #[error("a repository is wanted here, without a tag or a digest")]
    NotBare,
}

fn fail(text: &str, reason: Reason) -> ParseReferenceError {
    ParseReferenceError { text: shown(text), reason }
}

/// `text` without what stands before an `@` in it, unless a digest follows: somebody has given a URL with a password.
fn shown(text: &str) -> String {
    let (name, digest) = match text.rsplit_once("@sha256:") {
        Some((name, _)) => text.split_at(name.len()),
        None => (text, ""),
    };
    format!("{}{digest}", http::redacted(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.to_string(), expected, "{text}");
        assert_eq!(reference.to_string().parse(), Ok(reference), "{text}");
    }

    const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn short_names_are_completed_as_docker_does() {
        check("qus", "docker.io/library/qus");
        check("aptman/qus", "docker.io/aptman/qus");
        check("aptman/qus:latest", "docker.io/aptman/qus:latest");
        check("docker.io/qus", "docker.io/library/qus");
        check("docker.io/aptman/qus", "docker.io/aptman/qus");
        check("index.docker.io/aptman/qus", "docker.io/aptman/qus");
        check("ghcr.io/dbhi/qus/pkg:d11.1", "ghcr.io/dbhi/qus/pkg:d11.1");
        check("localhost/x", "localhost/x");
        check("localhost:5000/x:y", "localhost:5000/x:y");
        check("127.0.0.1:5000/aptman/qus", "127.0.0.1:5000/aptman/qus");
        check("[::1]:5000/x", "[::1]:5000/x");
        check("a__b/c-d.e---f_g", "docker.io/a__b/c-d.e---f_g");
        check(&format!("x/y:t@{DIGEST}"), &format!("docker.io/x/y:t@{DIGEST}"));
    }

    #[test]
    fn a_registry_has_a_dot_or_a_port_or_is_localhost() {
        for (text, expected) in [
            ("target/images", false),
            ("aptman/qus:latest", false),
            ("qus:latest", false),
            ("my.qus", false),
            ("docker.io/aptman/qus", true),
            ("localhost/x", true),
            ("registry:5000/x:y", true),
        ] {
            assert_eq!(Reference::names_registry(text), expected, "{text}");
        }
    }

    #[test]
    fn what_to_ask_for() {
        let name = |text: &str| text.parse::<Reference>().unwrap().name();
        assert_eq!(name("x/y"), "latest");
        assert_eq!(name("x/y:t"), "t");
        assert_eq!(name(&format!("x/y:t@{DIGEST}")), DIGEST);
        let repository: Repository = "aptman/qus".parse().unwrap();
        assert_eq!((repository.registry(), repository.server()), ("docker.io", "registry-1.docker.io"));
    }

    #[test]
    fn loopback_is_known() {
        for (text, expected) in [
            ("localhost/x", true),
            ("localhost:5000/x", true),
            ("127.0.0.1:5000/x", true),
            ("127.8.0.1/x", true),
            ("[::1]:5000/x", true),
            ("127.0.0.1.nip.io/x", false),
            ("localhost.evil.org/x", false),
            ("10.0.0.1:5000/x", false),
            ("x/y", false),
        ] {
            assert_eq!(text.parse::<Repository>().unwrap().is_loopback(), expected, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let path =
            "a repository's name has parts of lowercase letters and digits, joined by single `.`, `_` or `-`";
        let host = "the registry's name is not a host, with or without a port";
        let tag = "a tag has up to 128 letters, digits, `_`, `.` and `-`";
        for (text, reason) in [
            ("", path),
            ("docker.io/", path),
            ("Aptman/qus", path),
            ("aptman//qus", path),
            ("aptman/qus/", path),
            ("x/a..b", path),
            ("x/a___b", path),
            ("x/-a", path),
            ("x/ü", path),
            ("-a.b/c", host),
            ("a..b/c", host),
            ("a:99999/c", host),
            ("a:0/c", host),
            ("[::g]:1/c", host),
            ("x/y:", tag),
            ("x/y:-t", tag),
            ("x/y:t t", tag),
            ("x/y@sha256:00", "after `@` comes `sha256:` and 64 lowercase hexadecimal digits"),
        ] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert_eq!(error, format!("`{text}` is not an image reference: {reason}"));
        }
        for (text, shown) in [
            ("https://ada:s3cret@r.example/x", "https://***@r.example/x"),
            ("ada:s3cret@r.example/x:t@sha256:00", "***@r.example/x:t@sha256:00"),
            ("r.example/x@y", "***@y"),
        ] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{shown}` is not an image reference: ")), "{error}");
        }
        let error = "x/y:t".parse::<Repository>().unwrap_err().to_string();
        assert_eq!(
            error,
            "`x/y:t` is not an image reference: a repository is wanted here, without a tag or a digest"
        );
    }
}
