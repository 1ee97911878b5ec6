//! The statements that images get: `--attest`.

use std::str::FromStr;

use arch::UnknownName;

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

impl FromStr for Statements {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Statements, UnknownName> {
        let names = || Statements::ALL.iter().map(|choice| choice.name());
        let found = Statements::ALL.into_iter().find(|choice| choice.name() == name);
        found.ok_or_else(|| UnknownName::new("choice of statements", name, names()))
    }
}
