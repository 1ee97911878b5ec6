//! The statements that images get: `--attest`.

use std::str::FromStr;

use anyhow::Context as _;
use arch::UnknownName;
use attest::Deb;
use debian::lock::{Lock, Package};

/// The statements about each image that an index has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Statements {
    /// No statements
    None,
    /// The list of what is in the image
    Sbom,
    /// The record of how it was built
    Provenance,
    /// Both
    #[default]
    All,
}

impl Statements {
    const ALL: [Statements; 4] =
        [Statements::None, Statements::Sbom, Statements::Provenance, Statements::All];

    /// The name of the choice.
    pub fn name(self) -> &'static str {
        match self {
            Statements::None => "none",
            Statements::Sbom => "sbom",
            Statements::Provenance => "provenance",
            Statements::All => "all",
        }
    }

    /// True if there are any.
    pub fn any(self) -> bool {
        self != Statements::None
    }

    /// True if one of them is the bill of materials.
    pub fn has_sbom(self) -> bool {
        matches!(self, Statements::Sbom | Statements::All)
    }

    /// True if one of them is the record of the build.
    pub fn has_provenance(self) -> bool {
        matches!(self, Statements::Provenance | Statements::All)
    }

    /// The types of their predicates, in the order in which they are kept.
    pub(crate) fn predicates(self) -> Vec<&'static str> {
        let sbom = self.has_sbom().then_some(attest::statement::SPDX);
        sbom.into_iter().chain(self.has_provenance().then_some(attest::statement::PROVENANCE)).collect()
    }
}

/// A package, as far as a lock knows it: without its sources and licences.
pub(crate) fn deb(lock: &Lock, package: &Package) -> anyhow::Result<Deb> {
    let suite = lock.suite(&package.suite).context("every package of a lock has a suite")?;
    Ok(Deb {
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.host.debian().to_owned(),
        distro: suite.codename.clone(),
        digest: package.digest,
        location: lock.location(package),
        snapshot: lock.snapshot(suite, &package.path),
        source: None,
        built_using: Vec::new(),
        static_built_using: Vec::new(),
        license: None,
        license_names: Vec::new(),
    })
}

impl FromStr for Statements {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Statements, UnknownName> {
        let names = || Statements::ALL.iter().map(|choice| choice.name());
        let found = Statements::ALL.into_iter().find(|choice| choice.name() == name);
        found.ok_or_else(|| UnknownName::new("choice of statements", name, names()))
    }
}
