//! A signed archive: suites, packages, keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;

use sha256::Digest;

use super::{Deb, Key, NOW};
use crate::about::{About, Source};
use crate::deb::Control;

/// A suite under construction, dated [`NOW`].
#[derive(Debug, Clone, Default)]
pub struct Suite {
    suite: String,
    codename: String,
    date: i64,
    valid_until: Option<i64>,
    lacks_by_hash: bool,
    architectures: BTreeSet<String>,
    skewed: BTreeSet<String>,
    debs: Vec<Deb>,
    lacks_sources: bool,
    lost: BTreeSet<String>,
    more_sources: String,
}

impl Suite {
    /// An empty suite, `unstable` of codename `sid` for example.
    pub fn new(suite: &str, codename: &str) -> Suite {
        let (suite, codename) = (suite.to_owned(), codename.to_owned());
        Suite { suite, codename, date: NOW, ..Suite::default() }
    }

    /// With a package, and with it the package's architecture.
    #[must_use]
    pub fn package(mut self, deb: Deb) -> Suite {
        self.architectures.insert(deb.architecture.clone());
        self.debs.push(deb);
        self
    }

    /// With an architecture that may have no packages.
    #[must_use]
    pub fn architecture(mut self, architecture: &str) -> Suite {
        self.architectures.insert(architecture.to_owned());
        self
    }

    /// Dated otherwise than [`NOW`].
    #[must_use]
    pub fn date(mut self, date: i64) -> Suite {
        self.date = date;
        self
    }

    /// With a `Valid-Until`.
    #[must_use]
    pub fn valid_until(mut self, end: i64) -> Suite {
        self.valid_until = Some(end);
        self
    }

    /// Without `Acquire-By-Hash`.
    #[must_use]
    pub fn without_by_hash(mut self) -> Suite {
        self.lacks_by_hash = true;
        self
    }

    /// Without a `Sources`.
    #[must_use]
    pub fn without_sources(mut self) -> Suite {
        self.lacks_sources = true;
        self
    }

    /// With a `Sources` that lacks a source, which packages name.
    #[must_use]
    pub fn without_source(mut self, name: &str) -> Suite {
        self.lost.insert(name.to_owned());
        self
    }

    /// With one more stanza in its `Sources`, as it is, beside those of the sources that packages name.
    #[must_use]
    pub fn source(mut self, stanza: &str) -> Suite {
        self.more_sources.push_str(stanza);
        self.more_sources.push('\n');
        self
    }

    /// As on a mirror whose `Packages` of one architecture, or `Sources` for `source`, is not the one that `InRelease` names.
    #[must_use]
    pub fn skewed(mut self, architecture: &str) -> Suite {
        self.skewed.insert(architecture.to_owned());
        self
    }

    /// The text of its Release, and the files under `dists/CODENAME/`.
    fn build(&self) -> (String, BTreeMap<String, Vec<u8>>) {
        let mut files = BTreeMap::new();
        let architectures: Vec<&str> = self.architectures.iter().map(String::as_str).collect();
        let mut text = format!("Origin: Debian\nSuite: {}\nCodename: {}\n", self.suite, self.codename);
        let _ = writeln!(text, "Date: {}", rfc2822(self.date));
        if let Some(end) = self.valid_until {
            let _ = writeln!(text, "Valid-Until: {}", rfc2822(end));
        }
        if !self.lacks_by_hash {
            text.push_str("Acquire-By-Hash: yes\n");
        }
        let _ = writeln!(text, "Architectures: {}\nComponents: main\nSHA256:", architectures.join(" "));
        let packages = architectures
            .into_iter()
            .map(|name| (name, format!("main/binary-{name}"), "Packages.xz", self.packages(name)));
        let sources = (!self.lacks_sources).then(|| self.source_list());
        let sources = sources.map(|list| ("source", "main/source".to_owned(), "Sources.xz", list));
        for (architecture, folder, name, list) in packages.chain(sources) {
            let list = xz(list.as_bytes());
            let digest = Digest::of(&list);
            let _ = writeln!(text, " {} {} {folder}/{name}", digest.hex(), list.len());
            if self.skewed.contains(architecture) {
                files.insert(format!("{folder}/{name}"), xz(b"Package: other\n"));
                continue;
            }
            if !self.lacks_by_hash {
                files.insert(format!("{folder}/by-hash/SHA256/{}", digest.hex()), list.clone());
            }
            files.insert(format!("{folder}/{name}"), list);
        }
        (text, files)
    }

    /// The sources that the packages name.
    fn sources(&self) -> BTreeSet<Source> {
        let mut sources = BTreeSet::new();
        for deb in &self.debs {
            let control = Control::parse(&deb.control()).expect("a package's control");
            let about = About::new(&control, None).expect("fields that can be read");
            sources
                .extend([about.source].into_iter().chain(about.built_using).chain(about.static_built_using));
        }
        sources.retain(|source| !self.lost.contains(&source.name));
        sources
    }

    fn source_list(&self) -> String {
        let mut text = String::new();
        for source in self.sources() {
            let (path, bytes) = (source.path(), description(&source));
            let (folder, file) = path.rsplit_once('/').unwrap_or_default();
            let Source { name, version } = source;
            let (hex, size) = (Digest::of(&bytes).hex(), bytes.len());
            let _ = write!(
                text,
                "Package: {name}\nVersion: {version}\nChecksums-Sha256:\n {hex} {size} {file}\nDirectory: {folder}\n\n"
            );
        }
        text + &self.more_sources
    }

    fn packages(&self, architecture: &str) -> String {
        let mut text = String::new();
        // As in Debian, every list has the packages for all architectures.
        for deb in self.debs.iter().filter(|deb| [architecture, "all"].contains(&deb.architecture.as_str())) {
            let bytes = deb.build();
            let _ = write!(
                text,
                "{}Filename: {}\nSize: {}\nSHA256: {}\n\n",
                deb.control(),
                deb.path(),
                bytes.len(),
                Digest::of(&bytes).hex()
            );
        }
        text
    }
}

/// An archive under construction. Equal calls give equal bytes.
#[derive(Debug, Clone)]
pub struct Archive {
    key: Key,
    suites: Vec<Suite>,
}

/// An archive's files by their paths from the mirror's base, and who signed it.
#[derive(Debug, Clone)]
pub struct Built {
    /// `dists/sid/InRelease`, `pool/main/…`
    pub files: BTreeMap<String, Vec<u8>>,
    /// The signer's certificate, armoured.
    pub keyring: Vec<u8>,
}

impl Archive {
    /// An empty archive, signed by the key that grows from `seed`.
    pub fn new(seed: u64) -> Archive {
        Archive::signed_by(Key::new(seed))
    }

    /// An empty archive, signed by `key`.
    pub fn signed_by(key: Key) -> Archive {
        Archive { key, suites: Vec::new() }
    }

    /// With a suite.
    #[must_use]
    pub fn suite(mut self, suite: Suite) -> Archive {
        self.suites.push(suite);
        self
    }

    /// The finished archive.
    pub fn build(&self) -> Built {
        let mut files = BTreeMap::new();
        for suite in &self.suites {
            let (text, lists) = suite.build();
            let folder = format!("dists/{}", suite.codename);
            files.insert(format!("{folder}/InRelease"), self.key.sign(&text, suite.date).into_bytes());
            files.extend(lists.into_iter().map(|(path, bytes)| (format!("{folder}/{path}"), bytes)));
            files.extend(suite.debs.iter().map(|deb| (deb.path(), deb.build())));
            files.extend(suite.sources().iter().map(|source| (source.path(), description(source))));
        }
        Built { files, keyring: self.key.certificate() }
    }
}

/// The bytes of a source's .dsc.
fn description(source: &Source) -> Vec<u8> {
    format!("Format: 3.0 (quilt)\nSource: {}\nVersion: {}\n", source.name, source.version).into_bytes()
}

fn rfc2822(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).expect("a date in range");
    time.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}
