//! Everything that is known of an image: its files, and what they are from.

use serde::{Deserialize, Serialize};
use sha256::Digest;

use crate::checksums::Checksums;
use crate::license::License;

/// An image, its files and all that they were made of.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// The image itself.
    pub image: Image,
    /// Its files, by path.
    pub files: Vec<File>,
    /// The Debian packages that files were taken from.
    pub packages: Vec<Deb>,
    /// The programs of ours that files are.
    pub programs: Vec<Program>,
}

/// An image.
#[derive(Debug, Clone)]
pub struct Image {
    /// The digest of its manifest.
    pub digest: Digest,
    /// The last part of its name: `qus`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// A `GOARCH` value.
    pub architecture: String,
    /// Its purpose, in a line.
    pub description: String,
    /// When it was made, as RFC 3339 in UTC.
    pub created: String,
    /// The parameters that chose it: `kind` is `full`.
    pub parameters: Vec<(&'static str, String)>,
    /// The suites that its packages are from.
    pub suites: Vec<Suite>,
}

/// A regular file of an image.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path, from the image's root.
    pub path: String,
    /// Its checksums.
    pub sums: Checksums,
    /// The digest of the Debian package that it was taken from, or that a part of it was.
    pub package: Option<Digest>,
    /// The name of the program of ours that it is, or that a part of it is.
    pub program: Option<&'static str>,
    /// True of a text, false of a program.
    pub is_text: bool,
}

/// A release of Debian, as it was at a moment.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The address of its `InRelease` in an archive that keeps it.
    pub location: String,
    /// The digest of that file.
    pub inrelease: Digest,
}

/// A Debian source package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Source {
    /// Debian's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its description, where that is pinned.
    pub dsc: Option<Dsc>,
}

/// The description of a Debian source package, which names each file of it by SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dsc {
    /// Its digest.
    pub digest: Digest,
    /// The address in an archive that keeps it.
    pub location: String,
}

/// A Debian binary package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deb {
    /// Debian's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Debian's architecture.
    pub architecture: String,
    /// The codename of the release that it is from.
    pub distro: String,
    /// The digest of the .deb.
    pub digest: Digest,
    /// The address at Debian's mirrors.
    pub location: String,
    /// The address in an archive that keeps it.
    pub snapshot: String,
    /// The source that it was built from, where that is known.
    pub source: Option<Source>,
    /// The sources that parts of it were taken from.
    pub built_using: Vec<Source>,
    /// The sources that were linked into it statically.
    pub static_built_using: Vec<Source>,
    /// Its licence, if SPDX has words for it.
    pub license: Option<License>,
    /// The names of licences in its copyright file.
    pub license_names: Vec<String>,
}

/// A program of ours, and what was linked into it.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// The parts of it.
    pub linked: Linked,
}

/// Everything that was linked into a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// The crates, the program's own first.
    pub crates: Vec<Crate>,
    /// The compiler, whose standard library was built along.
    pub toolchain: Toolchain,
    /// The C library.
    pub libc: Deb,
}

/// A crate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of the published crate; ours have none.
    pub checksum: Option<Digest>,
    /// Its licence.
    pub license: Option<License>,
}

/// A Rust toolchain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    /// Its release: `1.95.0`.
    pub release: String,
    /// The commit of rust-lang/rust that it is, 40 hexadecimal digits.
    pub commit: String,
}
