//! The record of a build (SLSA v1.0, provenance): the parameters and every input, by digest.
//!
//! It says nothing of the machine, the time or the commit: none of them changes what comes out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::inventory::{Deb, Inventory, Linked};
use crate::purl::Purl;

/// The page that says what the parameters mean.
const BUILD_TYPE: &str = "https://github.com/dbhi/qus/blob/main/docs/security.md#attestations";
/// The program that has built: on what machine is for a signature to say.
const BUILDER: &str = "https://github.com/dbhi/qus";

/// The predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The build, and what it was made from.
    pub build_definition: BuildDefinition,
    run_details: RunDetails,
}

/// A build, as one needs to know it to repeat it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    build_type: String,
    /// The parameters.
    pub external_parameters: BTreeMap<String, String>,
    /// Every input.
    pub resolved_dependencies: Vec<Dependency>,
}

/// An input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    /// Its name.
    pub uri: String,
    /// Its digests, by algorithm.
    pub digest: BTreeMap<String, String>,
    /// The address that it can be had from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_location: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RunDetails {
    builder: Builder,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Builder {
    id: String,
}

impl Provenance {
    /// The record of the build of an image.
    pub fn of(inventory: &Inventory) -> Provenance {
        let mut dependencies: Vec<Dependency> = inventory.packages.iter().map(deb).collect();
        for suite in &inventory.image.suites {
            dependencies.push(sha256(suite.location.clone(), &suite.inrelease.hex(), None));
        }
        for program in &inventory.programs {
            dependencies.extend(linked(&program.linked));
        }
        // What two programs share is one input.
        dependencies.sort();
        dependencies.dedup();
        let parameters = inventory.image.parameters.iter();
        Provenance {
            build_definition: BuildDefinition {
                build_type: BUILD_TYPE.to_owned(),
                external_parameters: parameters
                    .map(|(key, value)| ((*key).to_owned(), value.clone()))
                    .collect(),
                resolved_dependencies: dependencies,
            },
            run_details: RunDetails { builder: Builder { id: BUILDER.to_owned() } },
        }
    }
}

fn deb(deb: &Deb) -> Dependency {
    let purl = Purl::deb(&deb.name, &deb.version, &deb.architecture, &deb.distro);
    sha256(purl.to_string(), &deb.digest.hex(), Some(deb.snapshot.clone()))
}

fn linked(linked: &Linked) -> impl Iterator<Item = Dependency> {
    // Ours have no checksum: their sources are those of the programs.
    let crates = linked.crates.iter().filter_map(|part| {
        let checksum = part.checksum.as_ref()?;
        Some(sha256(Purl::cargo(&part.name, &part.version).to_string(), &checksum.hex(), None))
    });
    let toolchain = Dependency {
        uri: "git+https://github.com/rust-lang/rust".to_owned(),
        digest: BTreeMap::from([("gitCommit".to_owned(), linked.toolchain.commit.clone())]),
        download_location: None,
    };
    crates.chain([toolchain, deb(&linked.libc)])
}

fn sha256(uri: String, hex: &str, download_location: Option<String>) -> Dependency {
    Dependency { uri, digest: BTreeMap::from([("sha256".to_owned(), hex.to_owned())]), download_location }
}
