//! The preview of a build.

use std::collections::{BTreeMap, BTreeSet};

use arch::{Host, Target};
use base::{count, size, table};
use debian::lock::{Package, Role};

use super::BuildContext;
use crate::Site;
use crate::plan::Plan;

/// The things that a run would fetch, build and tag.
pub fn dry_run(plan: &Plan, context: &BuildContext<'_>) -> String {
    let BuildContext { site: Site { fetch, mirror, .. }, lock, repository, output, .. } = context;
    // The targets that images take from a package; none if they take nothing.
    let wanted = |package: &Package| -> Option<BTreeSet<Target>> {
        let of_host = plan.images.iter().filter(|image| image.host == package.host);
        let taken = of_host.filter_map(|image| {
            let lock = plan.lock(image);
            let takes = |target: &Target| {
                lock.cell(image.host, *target).is_some_and(|cell| cell.digest == package.digest)
            };
            let targets: Vec<Target> = image.content.targets().into_iter().filter(takes).collect();
            let is_busybox = image.content.has_busybox() && package.role == Role::Busybox;
            (is_busybox || !targets.is_empty()).then_some(targets)
        });
        taken.fold(None, |all, targets| Some(all.unwrap_or_default().into_iter().chain(targets).collect()))
    };
    let mut text = format!("would fetch from {mirror} ({}):\n", mirror.origin());
    let mut total = 0;
    let mut rows = vec![["PACKAGE", "VERSION", "HOST", "SUITE", "TARGETS", "SIZE", ""].map(str::to_owned)];
    for (package, targets) in lock.packages().iter().filter_map(|package| Some((package, wanted(package)?))) {
        let cached = fetch.cache().get(package.size, &package.digest).ok().flatten().is_some();
        if !cached {
            total += package.size;
        }
        rows.push([
            package.name.clone(),
            package.version.clone(),
            package.host.to_string(),
            package.suite.clone(),
            targets.len().to_string(),
            size(package.size),
            if cached { "in the cache".to_owned() } else { String::new() },
        ]);
    }
    text.push_str(&table(&rows));
    text.push_str(&format!("{} to download\n\nwould build into {}:\n", size(total), output.display()));
    let mut counts: BTreeMap<Host, usize> = BTreeMap::new();
    for image in &plan.images {
        *counts.entry(image.host).or_default() += 1;
    }
    for (host, images) in counts {
        text.push_str(&format!("  {host}: {} ({})\n", count(images, "image", "images"), host.platform()));
    }
    text.push_str(&format!("\nwould tag in {repository}:\n"));
    let images = plan.images.iter().map(|image| image.tags.clone());
    for tags in images.chain(plan.indexes.iter().map(|index| index.all_tags().cloned().collect())) {
        if !tags.is_empty() {
            text.push_str(&format!("  {}\n", tags.join(", ")));
        }
    }
    text
}
