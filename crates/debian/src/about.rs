//! Facts about a package that no lock has: its source, the sources that were linked into it, and its licences.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::deb::{Control, Error};

/// A source package, pinned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Source {
    /// Debian's name: `glibc`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The sources that a binary package names in its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sources {
    /// The one that it was built from.
    own: Source,
    /// `Built-Using`
    built_using: Vec<Source>,
    /// `Static-Built-Using`
    static_built_using: Vec<Source>,
}

/// The facts about one binary package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The package that it was built from.
    pub source: Source,
    /// Those that parts of it were taken from (Debian Policy 7.8).
    pub built_using: Vec<Source>,
    /// Those that were linked into it statically.
    pub static_built_using: Vec<Source>,
    /// The short names of licences in its machine-readable copyright file, one for each different statement; `None` if it has no
    /// such file.
    pub licenses: Option<BTreeSet<String>>,
    /// Its file `control`, as it is.
    pub control: String,
    /// Its copyright file, as it is.
    pub copyright: Option<String>,
}

impl Source {
    /// The path of its description in Debian's archive, which names each of its files by SHA-256: packages of `main` are built from
    /// sources in `main` (Debian Policy 2.2.1), and folders are named by the first letters (Debian's dak, daklib/utils.py, `poolify`).
    pub fn path(&self) -> String {
        let Source { name, version } = self;
        let letters = if name.starts_with("lib") { 4 } else { 1 };
        let prefix = name.get(..letters).unwrap_or(name);
        // A file's name has no epoch (Debian Policy 5.6.12).
        let version = version.split_once(':').map_or(version.as_str(), |(_, rest)| rest);
        format!("pool/main/{prefix}/{name}/{name}_{version}.dsc")
    }
}

impl Sources {
    /// Those of `package` in its `version`. Fails with a field, and the part of it that is malformed.
    pub(crate) fn of<'a>(
        package: &str,
        version: &str,
        field: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Sources, (&'static str, &'a str)> {
        let list = |name: &'static str| {
            let items = field(name).unwrap_or_default().split(',').map(str::trim);
            let items = items.filter(|item| !item.is_empty());
            items.map(|item| exactly(item).ok_or((name, item))).collect::<Result<Vec<Source>, _>>()
        };
        Ok(Sources {
            own: match field("Source") {
                None => Source { name: package.to_owned(), version: version.to_owned() },
                Some(text) => source(text, version).ok_or(("Source", text))?,
            },
            built_using: list("Built-Using")?,
            static_built_using: list("Static-Built-Using")?,
        })
    }

    /// All of them, each once.
    #[cfg(feature = "openpgp")]
    pub(crate) fn into_all(self) -> BTreeSet<Source> {
        let Sources { own, built_using, static_built_using } = self;
        [own].into_iter().chain(built_using).chain(static_built_using).collect()
    }
}

impl About {
    /// Reads the fields of a package, and its copyright file.
    pub(crate) fn new(control: &Control, copyright: Option<&str>) -> Result<About, Error> {
        let Control { package, version, .. } = control;
        let Sources { own, built_using, static_built_using } =
            Sources::of(package, version, |name| control.field(name))
                .map_err(|(name, value)| Error::Format(format!("its `{name}` is malformed: `{value}`")))?;
        Ok(About {
            source: own,
            built_using,
            static_built_using,
            licenses: copyright.and_then(licenses),
            control: control.text().to_owned(),
            copyright: copyright.map(str::to_owned),
        })
    }
}

/// `busybox (1:1.38.0-3)`, or `qemu`, whose version is that of the binary package (deb-control(5), "Source").
fn source(text: &str, version: &str) -> Option<Source> {
    let (name, version) = match text.split_once('(') {
        None => (text, version),
        Some((name, rest)) => (name, rest.strip_suffix(')')?),
    };
    pinned(name, version)
}

/// `glibc (= 2.43-7)`.
fn exactly(text: &str) -> Option<Source> {
    let (name, version) = text.split_once('(')?;
    pinned(name, version.strip_suffix(')')?.trim().strip_prefix('=')?)
}

/// A source by name and version, both of which become parts of a path: neither is empty or begins with a dot (Debian Policy 5.6.1
/// and 5.6.12 ask for a letter or a digit).
pub(crate) fn pinned(name: &str, version: &str) -> Option<Source> {
    let (name, version) = (name.trim(), version.trim());
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-.~:".contains(c);
    let is_plain =
        |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain);
    (is_plain(name) && is_plain(version))
        .then(|| Source { name: name.to_owned(), version: version.to_owned() })
}

/// The licences of the paragraphs about files (copyright-format 1.0, "Files paragraph"): the first line of each `License`.
fn licenses(text: &str) -> Option<BTreeSet<String>> {
    let is_machine_readable = text
        .lines()
        .next()
        .is_some_and(|line| line.starts_with("Format:") && line.contains("copyright-format"));
    if !is_machine_readable {
        return None;
    }
    let mut found = BTreeSet::new();
    let (mut has_files, mut license) = (false, None);
    // An empty line of its own ends the last paragraph.
    for line in text.lines().map(str::trim_end).chain([""]) {
        if line.is_empty() {
            found.extend(license.take().filter(|_| has_files));
            has_files = false;
        } else if line.starts_with("Files:") {
            has_files = true;
        } else if let Some(name) = line.strip_prefix("License:") {
            license = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        }
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(fields: &str, copyright: Option<&str>) -> Result<About, String> {
        let text = format!("Package: qemu-user\nVersion: 1:11.1.3+ds-1+b2\nArchitecture: amd64\n{fields}");
        About::new(&Control::parse(&text).unwrap(), copyright).map_err(|error| error.to_string())
    }

    fn source(name: &str, version: &str) -> Source {
        Source { name: name.to_owned(), version: version.to_owned() }
    }

    #[test]
    fn sources_are_those_that_the_fields_name() {
        let fields = "Source: qemu (1:11.1.3+ds-1)\nBuilt-Using: glibc (= 2.43-7), zlib (= 1:1.3.dfsg+really1.3.2-4)\n\
                      Static-Built-Using: rust-cfg-if (= 1.0.4-1)\n";
        let found = about(fields, None).unwrap();
        assert_eq!(found.source, source("qemu", "1:11.1.3+ds-1"));
        let zlib = source("zlib", "1:1.3.dfsg+really1.3.2-4");
        assert_eq!(found.built_using, [source("glibc", "2.43-7"), zlib]);
        assert_eq!(found.static_built_using, [source("rust-cfg-if", "1.0.4-1")]);
        assert_eq!(about("Source: qemu\n", None).unwrap().source, source("qemu", "1:11.1.3+ds-1+b2"));
        assert_eq!(about("", None).unwrap().source, source("qemu-user", "1:11.1.3+ds-1+b2"));
        for (fields, expected) in [
            ("Source: qemu (1\n", "`Source` is malformed: `qemu (1`"),
            ("Built-Using: glibc\n", "`Built-Using` is malformed: `glibc`"),
            ("Built-Using: glibc (>= 2)\n", "`Built-Using` is malformed: `glibc (>= 2)`"),
            ("Static-Built-Using: a b (= 2)\n", "`Static-Built-Using` is malformed: `a b (= 2)`"),
            ("Source: ..\n", "`Source` is malformed: `..`"),
            ("Built-Using: .. (= 2)\n", "`Built-Using` is malformed: `.. (= 2)`"),
            ("Built-Using: a/b (= 2)\n", "`Built-Using` is malformed: `a/b (= 2)`"),
            ("Built-Using: a (= ../2)\n", "`Built-Using` is malformed: `a (= ../2)`"),
        ] {
            assert_eq!(about(fields, None), Err(format!("not a Debian package: its {expected}")));
        }
    }

    #[test]
    fn a_sources_path_is_the_pools() {
        for (name, version, expected) in [
            ("qemu", "1:11.1.3+ds-1", "pool/main/q/qemu/qemu_11.1.3+ds-1.dsc"),
            ("glibc", "2.43-7", "pool/main/g/glibc/glibc_2.43-7.dsc"),
            ("liburing", "2.3-3", "pool/main/libu/liburing/liburing_2.3-3.dsc"),
            ("lib", "1:2:3", "pool/main/lib/lib/lib_2:3.dsc"),
        ] {
            assert_eq!(source(name, version).path(), expected);
        }
    }

    #[test]
    fn files_are_kept_as_they_are() {
        let found = about("Source: qemu\n", Some("© 2026 \n")).unwrap();
        assert_eq!(found.copyright.as_deref(), Some("© 2026 \n"));
        assert!(found.control.ends_with("\nArchitecture: amd64\nSource: qemu\n"), "{}", found.control);
        assert_eq!(about("", None).unwrap().copyright, None);
    }

    #[test]
    fn licenses_are_those_of_files() {
        let licenses = |text: &str| {
            let found = about("", Some(text)).unwrap().licenses;
            found.map(|found| found.into_iter().collect::<Vec<_>>())
        };
        const FORMAT: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";
        let text = format!(
            "{FORMAT}License: whole\n\nFiles: *\nCopyright: x\nLicense: GPL-2\n text\n\nFiles: a\nLicense: Expat or ISC\n\n\
             License: GPL-2\n more text\n"
        );
        assert_eq!(licenses(&text), Some(vec!["Expat or ISC".to_owned(), "GPL-2".to_owned()]));
        assert_eq!(licenses("This is GPL.\n\nFiles: *\nLicense: GPL-2\n"), None);
        assert_eq!(licenses(FORMAT), None);
    }
}
