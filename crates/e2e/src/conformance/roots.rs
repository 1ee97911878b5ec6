//! The root file systems of workloads: packages of one suite, unpacked. None of their scripts has run; a workload that is to run
//! them gets the packages, too.

use std::collections::BTreeSet;

use base::Hinted;
use debian::relations::Relations;
use testbed::packages::Deb;
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

/// The root of a workload.
pub(super) struct Root {
    /// The layers, the topmost first.
    pub(super) trees: Vec<Tree>,
    /// The packages that it is to install, with their names.
    pub(super) debs: Vec<(String, Deb)>,
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
        let names = relations.closure(&BASE.split_whitespace().collect::<Vec<_>>())?;
        let base = tree(packages, system, "base", &names)?;
        Ok(Roots { packages, system, relations, names, base })
    }

    /// The root of a workload.
    pub(super) fn of(&self, workload: &Workload) -> Result<Root, NoRoot> {
        let wanted: Vec<&str> = BASE.split_whitespace().chain(workload.packages.split_whitespace()).collect();
        let names = self.relations.closure(&wanted);
        let names = names.map_err(|error| NoRoot::Absent(error.to_string()))?;
        let more: BTreeSet<String> = names.difference(&self.names).cloned().collect();
        let mut trees = vec![self.base.clone()];
        if !more.is_empty() {
            let name = match workload.has_packages {
                true => workload.name.to_owned(),
                false => workload.packages.replace(' ', "+"),
            };
            trees.insert(0, tree(self.packages, self.system, &name, &more).map_err(NoRoot::Failed)?);
        }
        let debs = match workload.has_packages {
            true => self.debs(names).map_err(NoRoot::Failed)?,
            false => Vec::new(),
        };
        Ok(Root { trees, debs })
    }

    fn debs(&self, names: BTreeSet<String>) -> anyhow::Result<Vec<(String, Deb)>> {
        let debs = self.packages.debs(&packages(self.system, &names))?;
        Ok(names.into_iter().zip(debs).collect())
    }
}

/// Workloads with the same packages share a tree.
fn tree(packages: &Packages, system: &System, name: &str, names: &BTreeSet<String>) -> anyhow::Result<Tree> {
    let System { host, suite } = system;
    let name = format!("conformance-{suite}-{}-{name}", host.debian());
    Ok(packages.tree(&name, &self::packages(system, names))?)
}

fn packages(System { host, suite }: &System, names: &BTreeSet<String>) -> Vec<Package> {
    names.iter().map(|name| Package::new(suite, *host, name)).collect()
}
