//! The layers that are still to be made: those without a memo.

use std::collections::BTreeSet;

use ::base::count;
use arch::{Host, Status, Target};
use debian::lock::Package;

use super::memo::{Key, Memo};
use super::{Builder, busybox_key, wanted};
use crate::content::LayerName;
use crate::kind::Part;
use crate::packing::Form;
use crate::plan::Plan;

/// The layers that are still to be made for one host.
pub(super) struct Missing<'a> {
    pub(super) host: Host,
    pub(super) packages: Vec<(&'a Package, BTreeSet<Target>)>,
    pub(super) all: BTreeSet<Form>,
    pub(super) singles: BTreeSet<(Target, Form)>,
    pub(super) busybox: Option<(&'a Package, BTreeSet<Form>)>,
}

impl Builder<'_> {
    /// The layers that `plan` wants of `host` and layout and cache lack.
    pub(super) fn missing(&self, plan: &Plan, host: Host, memo: &Memo) -> anyhow::Result<Missing<'_>> {
        let (mut made, mut reused) = (0, 0);
        let mut absent = |key: Key| -> anyhow::Result<bool> {
            let is_absent = memo.get(&key, self.layout)?.is_none();
            *if is_absent { &mut made } else { &mut reused } += 1;
            Ok(is_absent)
        };
        let (mut all, mut singles, mut base) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for form in plan.forms() {
            for LayerName { part, target } in wanted(plan, host) {
                match (part, target) {
                    (Part::Busybox, _) if absent(busybox_key(self.busybox(host)?, form))? => {
                        base.insert(form);
                    }
                    (Part::Qemu, None) if absent(self.all_key(host, form))? => {
                        all.insert(form);
                    }
                    (Part::Qemu, Some(target)) if absent(self.single_key(host, target, form)?)? => {
                        singles.insert((target, form));
                    }
                    // There, or made when its program is built.
                    _ => {}
                }
            }
        }
        let layers = count(reused, "layer", "layers");
        self.progress.detail(&format!("{host}: {layers} of Debian's programs reused, {made} to be made"));
        let mut packages = Vec::new();
        for package in self.lock.qemu(host) {
            let wanted = |target: &Target| {
                (!all.is_empty() && target.status() == Status::Current)
                    || singles.iter().any(|(single, _)| single == target)
            };
            let targets: BTreeSet<Target> = package.targets().filter(wanted).collect();
            if !targets.is_empty() {
                packages.push((package, targets));
            }
        }
        let busybox = match base.is_empty() {
            true => None,
            false => Some((self.busybox(host)?, base)),
        };
        Ok(Missing { host, packages, all, singles, busybox })
    }
}

impl<'a> Missing<'a> {
    pub(super) fn any(&self) -> bool {
        self.busybox.is_some() || !self.packages.is_empty()
    }

    /// The packages that must be there first.
    pub(super) fn needs(&self) -> impl Iterator<Item = &'a Package> {
        self.packages
            .iter()
            .map(|(package, _)| *package)
            .chain(self.busybox.iter().map(|(package, _)| *package))
    }

    /// The amount of work, roughly.
    pub(super) fn weight(&self) -> u64 {
        self.packages.iter().map(|(package, _)| package.size).sum()
    }
}
