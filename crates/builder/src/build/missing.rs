//! The layers that are still to be made: those without a memo.

use std::collections::BTreeSet;

use ::base::count;
use arch::{Host, Status, Target};
use debian::lock::Package;

use super::memo::{Key, Memo};
use super::{Builder, about_key, busybox_key, wanted};
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
        let mut unrecorded = false;
        for form in plan.forms() {
            for name in wanted(plan, host, self.lock) {
                match (name.part, name.target) {
                    (Part::Busybox, _) if absent(busybox_key(self.busybox(host)?, form))? => {
                        base.insert(form);
                    }
                    (Part::Qemu, None) if absent(self.all_key(host, form))? => {
                        all.insert(form);
                    }
                    (Part::Qemu, Some(target)) if absent(self.single_key(host, target, form)?)? => {
                        singles.insert((target, form));
                    }
                    (part, _) if part.recorded().is_some() => {
                        unrecorded |= memo.get(&self.records_key(host, form, name)?, self.layout)?.is_none();
                    }
                    // There, or made when its program is built.
                    _ => {}
                }
            }
        }
        // What is known of a package comes with its programs, or else is read for itself.
        let unknown = self.statements.any() || unrecorded;
        let unknown = |package: &Package| unknown && !memo.knows(&about_key(package));
        let layers = count(reused, "layer", "layers");
        self.progress.detail(&format!("{host}: {layers} of Debian's programs reused, {made} to be made"));
        let mut packages = Vec::new();
        for package in self.lock.qemu(host) {
            let wanted = |target: &Target| {
                (!all.is_empty() && target.status() == Status::Current)
                    || singles.iter().any(|(single, _)| single == target)
            };
            let targets: BTreeSet<Target> = package.targets().filter(wanted).collect();
            if !targets.is_empty() || (self.is_used(plan, package) && unknown(package)) {
                packages.push((package, targets));
            }
        }
        let has_busybox = plan.images.iter().any(|image| image.host == host && image.content.has_busybox());
        let busybox = match has_busybox {
            true => Some(self.busybox(host)?).filter(|package| !base.is_empty() || unknown(package)),
            false => None,
        };
        let busybox = busybox.map(|package| (package, base));
        Ok(Missing { host, packages, all, singles, busybox })
    }
}

impl Builder<'_> {
    /// True if an image of `plan` holds something of the package.
    fn is_used(&self, plan: &Plan, package: &Package) -> bool {
        let of_host = plan.images.iter().filter(|image| image.host == package.host);
        let held: BTreeSet<Target> = of_host.flat_map(|image| image.content.targets()).collect();
        package.targets().any(|target| held.contains(&target))
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
