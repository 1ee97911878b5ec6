//! `Packages`: which version of a package a suite has for an architecture.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use deb822_fast::Paragraph;
use debversion::Version;
use digest::Digest;

use crate::deb;
use crate::limits::{self, Bounded};
use crate::pool::is_pool_path;

/// One package in one suite for one architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `Package`
    pub name: String,
    /// `Version`
    pub version: String,
    /// `Architecture`: that of the list, or `all`.
    pub architecture: String,
    /// `Filename`: the path from the mirror's base.
    pub path: String,
    /// `Size`, in bytes.
    pub size: u64,
    /// `SHA256`
    pub digest: Digest,
}

/// The reason why a `Packages` cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading or decoding failed.
    #[error("cannot read the list of packages")]
    Read(#[source] std::io::Error),
    /// A line, or a wanted package's stanza, is longer than any real one.
    #[error("the list of packages has a stanza of more than {} bytes", limits::STANZA)]
    Long,
    /// A stanza lacks a field, or has one that makes no sense.
    #[error("package `{package}`: {reason}")]
    Malformed {
        /// The package.
        package: String,
        /// The problem.
        reason: String,
    },
}

/// The newest entry of each of `names` in a `Packages.xz`, by Debian's order of versions; what is not in it is left
/// out.
pub fn newest<R: Read>(packages_xz: R, names: &[&str]) -> Result<BTreeMap<String, Entry>, Error> {
    let decoder = deb::xz(packages_xz, 1).map_err(|error| Error::Read(std::io::Error::other(error)))?;
    newest_in(BufReader::with_capacity(256 << 10, Bounded::new(decoder, limits::PACKAGES)), names)
}

/// [`newest`], on the plain text.
pub fn newest_in<R: BufRead>(mut packages: R, names: &[&str]) -> Result<BTreeMap<String, Entry>, Error> {
    let mut newest: BTreeMap<String, (Version, Entry)> = BTreeMap::new();
    let mut line = Vec::new();
    let mut stanza = Vec::new();
    let mut wanted = false;
    loop {
        line.clear();
        let n = (&mut packages)
            .take(limits::STANZA as u64 + 1)
            .read_until(b'\n', &mut line)
            .map_err(Error::Read)?;
        let ends = n == 0 || line == b"\n";
        if !ends && stanza.len() + line.len() > limits::STANZA {
            return Err(Error::Long);
        }
        if ends {
            if wanted {
                let (version, entry) = parse(&stanza)?;
                let known = newest.get(&entry.name);
                if known.is_none_or(|(other, _)| *other < version) {
                    newest.insert(entry.name.clone(), (version, entry));
                }
            }
            if n == 0 {
                return Ok(newest.into_iter().map(|(name, (_, entry))| (name, entry)).collect());
            }
            stanza.clear();
            wanted = false;
            continue;
        }
        // Only wanted stanzas are kept and parsed: `Package` comes first in each.
        if let Some(name) = line.strip_prefix(b"Package:") {
            wanted = names.iter().any(|wanted| wanted.as_bytes() == name.trim_ascii());
        }
        if wanted {
            stanza.extend_from_slice(&line);
        }
    }
}

fn parse(stanza: &[u8]) -> Result<(Version, Entry), Error> {
    let text = String::from_utf8_lossy(stanza);
    let paragraph: Option<Paragraph> = text.parse().ok();
    let whole = paragraph.as_ref().and_then(|paragraph| paragraph.get("Package")).unwrap_or_default();
    let name = whole.lines().next().unwrap_or_default().to_owned();
    let malformed = |reason: String| Error::Malformed { package: name.clone(), reason };
    if whole != name {
        return Err(malformed("`Package` has more than one line".to_owned()));
    }
    let paragraph = paragraph.as_ref().ok_or_else(|| malformed("malformed stanza".to_owned()))?;
    let field = |field: &str| paragraph.get(field).ok_or_else(|| malformed(format!("no `{field}`")));
    let odd = |field: &str, value: &str| malformed(format!("`{field}` is `{value}`"));

    let version = field("Version")?;
    let parsed = parse_version(version).ok_or_else(|| odd("Version", version))?;
    let path = field("Filename")?;
    if !is_pool_path(path) {
        return Err(odd("Filename", path));
    }
    let size = field("Size")?;
    let sha256 = field("SHA256")?;
    let entry = Entry {
        version: version.to_owned(),
        architecture: field("Architecture")?.to_owned(),
        path: path.to_owned(),
        size: size.parse().map_err(|_| odd("Size", size))?,
        digest: Digest::from_hex(sha256).map_err(|_| odd("SHA256", sha256))?,
        name: name.clone(),
    };
    Ok((parsed, entry))
}

/// A version in Debian's order; `None` if it is none, or too long to be compared.
pub(crate) fn parse_version(text: &str) -> Option<Version> {
    text.parse().ok().filter(|_| text.len() <= limits::VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stanza(version: &str, path: &str, size: &str) -> String {
        let hex = Digest::of(version.as_bytes()).hex();
        format!(
            "Package: qemu-user\nVersion: {version}\nArchitecture: amd64\nFilename: {path}\nSize: {size}\nSHA256: {hex}\n\n"
        )
    }

    fn check(text: &str, expected: Result<&[&str], &str>) {
        let actual = newest_in(text.as_bytes(), &["qemu-user"])
            .map(|entries| entries.into_values().map(|entry| entry.version).collect::<Vec<_>>())
            .map_err(|error| error.to_string());
        assert_eq!(
            actual,
            expected.map(|v| v.iter().map(|s| (*s).to_owned()).collect()).map_err(str::to_owned)
        );
    }

    #[test]
    fn the_newest_version_counts_in_debians_order() {
        let several = ["1:9.2+ds-1", "1:10.0~rc1+ds-1", "1:10.0+ds-1", "10.5-1"];
        let text: String = several.iter().map(|version| stanza(version, "pool/q.deb", "5")).collect();
        check(&text, Ok(&["1:10.0+ds-1"]));
        check(text.trim_end(), Ok(&["1:10.0+ds-1"]));
        check("Package: qemu-user-static\nVersion: 1\n\n", Ok(&[]));
        check("", Ok(&[]));
    }

    #[test]
    fn stanzas_and_versions_have_a_limit() {
        let good = stanza("1", "pool/q.deb", "5");
        let filled = |size: usize| {
            let head = format!("{}X: ", good.trim_end().to_owned() + "\n");
            format!("{head}{}\n\n", "x".repeat(size - head.len() - 1))
        };
        check(&filled(limits::STANZA), Ok(&["1"]));
        let long = "the list of packages has a stanza of more than 1048576 bytes";
        check(&filled(limits::STANZA + 1), Err(long));
        // The end of a line that is too long must not pass for the beginning of another one.
        check(&format!("X: {}\n{good}", "x".repeat(limits::STANZA - 4)), Ok(&["1"]));
        check(&format!("X: {}\n{good}", "x".repeat(limits::STANZA - 3)), Err(long));

        let version = |length: usize| "1".repeat(length);
        check(&stanza(&version(limits::VERSION), "pool/q.deb", "5"), Ok(&[&version(limits::VERSION)]));
        let long = version(limits::VERSION + 1);
        let expected = format!("package `qemu-user`: `Version` is `{long}`");
        check(&stanza(&long, "pool/q.deb", "5"), Err(&expected));
    }

    #[test]
    fn odd_stanzas_are_errors() {
        check(
            &stanza("1", "pool/q.deb", "5").replacen('\n', "\n qemu-user\n", 1),
            Err("package `qemu-user`: `Package` has more than one line"),
        );
        check(
            &stanza("1", "pool/%2e%2e/%2e%2e/x", "5"),
            Err("package `qemu-user`: `Filename` is `pool/%2e%2e/%2e%2e/x`"),
        );
        check(
            &stanza("1", "../../etc/passwd", "5"),
            Err("package `qemu-user`: `Filename` is `../../etc/passwd`"),
        );
        check(&stanza("1", "/pool/q.deb", "5"), Err("package `qemu-user`: `Filename` is `/pool/q.deb`"));
        check(&stanza("1", "pool/q.deb", "-5"), Err("package `qemu-user`: `Size` is `-5`"));
        check("Package: qemu-user\nVersion: 1\n", Err("package `qemu-user`: no `Filename`"));
        let nameless = stanza("1", "pool/q.deb", "5").replace("Architecture: amd64\n", "");
        check(&nameless, Err("package `qemu-user`: no `Architecture`"));
        check(
            "Package: qemu-user\nVersion: 1\nArchitecture: all\nFilename: a\nSize: 1\nSHA256: 00\n",
            Err("package `qemu-user`: `SHA256` is `00`"),
        );
    }
}
