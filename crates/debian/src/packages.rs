//! `Packages`: which version of a package a suite has for an architecture.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read};

use debversion::Version;
use sha256::Digest;

use crate::about::{Source, Sources};
use crate::limits;
use crate::pool::is_pool_path;
use crate::stanzas::{self, Stanza};

pub use crate::stanzas::Error;

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
    /// The source that it was built from, and those that parts of it are from.
    pub sources: BTreeSet<Source>,
}

/// The newest entry of each of `names` in a `Packages.xz`, by Debian's order of versions; what is not in it is left
/// out.
pub fn newest<R: Read>(packages_xz: R, names: &[&str]) -> Result<BTreeMap<String, Entry>, Error> {
    newest_in(stanzas::decoded(packages_xz)?, names)
}

/// [`newest`], on the plain text.
pub fn newest_in<R: BufRead>(packages: R, names: &[&str]) -> Result<BTreeMap<String, Entry>, Error> {
    let mut newest: BTreeMap<String, (Version, Entry)> = BTreeMap::new();
    stanzas::walk(packages, Some(names), &mut |stanza| {
        let (version, entry) = parse(&stanza)?;
        let known = newest.get(&entry.name);
        if known.is_none_or(|(other, _)| *other < version) {
            newest.insert(entry.name.clone(), (version, entry));
        }
        Ok(())
    })?;
    Ok(newest.into_iter().map(|(name, (_, entry))| (name, entry)).collect())
}

fn parse(stanza: &Stanza) -> Result<(Version, Entry), Error> {
    let version = stanza.field("Version")?;
    let parsed = parse_version(version).ok_or_else(|| stanza.odd("Version", version))?;
    let path = stanza.field("Filename")?;
    if !is_pool_path(path) {
        return Err(stanza.odd("Filename", path));
    }
    let size = stanza.field("Size")?;
    let sha256 = stanza.field("SHA256")?;
    let sources = Sources::of(&stanza.name, version, |field| stanza.get(field));
    let entry = Entry {
        version: version.to_owned(),
        architecture: stanza.field("Architecture")?.to_owned(),
        path: path.to_owned(),
        size: size.parse().map_err(|_| stanza.odd("Size", size))?,
        digest: Digest::from_hex(sha256).map_err(|_| stanza.odd("SHA256", sha256))?,
        sources: sources.map_err(|(field, value)| stanza.odd(field, value))?.into_all(),
        name: stanza.name.clone(),
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
