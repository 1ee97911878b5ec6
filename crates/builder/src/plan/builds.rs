//! The builds of QEMU's versions: how often images with the same one were made anew, with another `register` or another of
//! Debian's revisions.

use std::collections::BTreeMap;

use debian::FullVersion;

/// The number of each version's build; a version that it does not know has its first, 0.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Builds(BTreeMap<String, u32>);

impl Builds {
    /// Of versions like `11.1.3`.
    pub fn new(builds: BTreeMap<String, u32>) -> Builds {
        Builds(builds)
    }

    /// The beginnings of the tags of a version's build: its number behind the version, and the version alone for the first.
    pub(super) fn names(&self, version: FullVersion) -> impl Iterator<Item = String> {
        let version = version.to_string();
        let build = self.0.get(&version).copied().unwrap_or_default();
        let numbered = format!("{version}.{build}");
        (build == 0).then_some(version).into_iter().chain([numbered])
    }
}
