//! The root file systems of workloads: packages of one suite, unpacked. None of their scripts has run.

use std::collections::BTreeSet;

use base::Hinted;
use debian::relations::Relations;
use testbed::{Package, Packages, Tree};

use super::rows::System;
use super::workloads::{BASE, Workload};

/// The roots of a system: a tree that all have, and one over it for each workload that needs more.
pub(super) struct Roots<'a> {
    packages: &'a Packages,
    system: &'a System,
    relations: Relations,
    names: BTreeSet<String>,
    base: Tree,
}

/// The reason why a workload has no root.
pub(super) enum NoRoot {
    /// The suite lacks a package.
    Absent(String),
    /// The packages could not be had.
    Failed(anyhow::Error),
}

impl<'a> Roots<'a> {
    /// Unpacks what all roots have.
    pub(super) fn new(packages: &'a Packages, system: &'a System) -> anyhow::Result<Roots<'a>> {
        let System { host, suite } = system;
        let relations = packages.relations(suite, *host)?;
        if relations.is_empty() {
            let message = format!("the suite `{suite}` has no packages for `{}`", host.debian());
            let hint = "`--suite` chooses another; `cargo xtask conformance --list` names those that have it";
            return Err(Hinted::new(message, hint).into());
        }
        let names = relations.closure(&BASE)?;
        let base = tree(packages, system, "base", &names)?;
        Ok(Roots { packages, system, relations, names, base })
    }

    /// The layers of the root of a workload, the topmost first.
    pub(super) fn of(&self, workload: &Workload) -> Result<Vec<Tree>, NoRoot> {
        let names = self.relations.closure(&[&BASE[..], workload.packages].concat());
        let names = names.map_err(|error| NoRoot::Absent(error.to_string()))?;
        let more: BTreeSet<String> = names.difference(&self.names).cloned().collect();
        let mut trees = vec![self.base.clone()];
        if !more.is_empty() {
            let name = workload.packages.join("+");
            trees.insert(0, tree(self.packages, self.system, &name, &more).map_err(NoRoot::Failed)?);
        }
        Ok(trees)
    }
}

/// Workloads with the same packages share a tree.
fn tree(packages: &Packages, system: &System, name: &str, names: &BTreeSet<String>) -> anyhow::Result<Tree> {
    let System { host, suite } = system;
    let wanted: Vec<Package> = names.iter().map(|name| Package::new(suite, *host, name)).collect();
    Ok(packages.tree(&format!("conformance-{suite}-{}-{name}", host.debian()), &wanted)?)
}
