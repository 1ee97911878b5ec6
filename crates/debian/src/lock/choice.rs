//! Cells that are taken from an older series by choice, and what the newer package says of them.

use std::collections::BTreeMap;

use arch::{Host, Target};

use super::{Inconsistent, Lock, Package, Role};

impl Lock {
    /// The same with these cells taken from these series, and not from the newest suite that has them. Fails if a series does
    /// not have a cell.
    pub fn with_choices(&self, choices: &BTreeMap<(Host, Target), String>) -> Result<Lock, Inconsistent> {
        let mut packages = self.without_choices().packages;
        for (&(host, target), series) in choices {
            let chosen = packages.iter().position(|package| {
                package.host == host && package.suite == *series && package.series.contains(&target)
            });
            let newest = packages
                .iter()
                .position(|package| package.host == host && package.targets().any(|other| other == target));
            let (Some(chosen), Some(newest)) = (chosen, newest) else {
                return Err(Inconsistent::NoCell { host, target, series: series.clone() });
            };
            if chosen != newest {
                packages[newest].take(target);
                packages[newest].passed_over.insert(target);
                packages[chosen].give(target);
            }
        }
        Ok(Lock::new(self.suites.clone(), packages)?.with_sources(self.sources.clone()))
    }

    /// The same with each cell taken from the newest suite that has it.
    #[must_use]
    pub fn without_choices(&self) -> Lock {
        let mut packages = self.packages.clone();
        // The newest of a host comes first, and so last here: what several have passed over is its own.
        for newer in (0..packages.len()).rev() {
            let host = packages[newer].host;
            for target in std::mem::take(&mut packages[newer].passed_over) {
                packages
                    .iter_mut()
                    .filter(|package| package.host == host)
                    .for_each(|package| package.take(target));
                packages[newer].give(target);
            }
        }
        packages.retain(|package| package.is_of_newest() || !package.series.is_empty());
        Lock { packages, ..self.clone() }
    }

    /// The package that a cell would be taken from by age, if another one was chosen.
    pub fn passed_over(&self, host: Host, target: Target) -> Option<&Package> {
        let is_it = |package: &&Package| package.host == host && package.passed_over.contains(&target);
        self.packages.iter().find(is_it)
    }
}

impl Package {
    /// Takes `target` from it no more.
    fn take(&mut self, target: Target) {
        if let Role::Qemu(targets) = &mut self.role {
            targets.remove(&target);
        }
    }

    /// Takes `target` from it.
    fn give(&mut self, target: Target) {
        if let Role::Qemu(targets) = &mut self.role {
            targets.insert(target);
        }
    }
}
