//! The preview of a build.

use std::collections::BTreeMap;

use arch::Host;
use base::{count, size, table};
use debian::lock::Role;

use super::BuildContext;
use crate::Site;
use crate::plan::Plan;

/// The things that a run would fetch, build and tag.
pub fn dry_run(plan: &Plan, context: &BuildContext<'_>) -> String {
    let BuildContext { site: Site { fetch, mirror, .. }, lock, repository, output, .. } = context;
    let wanted = |package: &debian::lock::Package| {
        plan.images.iter().filter(|image| image.host == package.host).any(|image| {
            let targets = image.content.targets();
            package.targets().any(|target| targets.contains(&target))
                || (image.content.has_busybox() && package.role == Role::Busybox)
        })
    };
    let mut text = format!("would fetch from {mirror} ({}):\n", mirror.origin());
    let mut total = 0;
    let mut rows = vec![["PACKAGE", "VERSION", "HOST", "SUITE", "TARGETS", "SIZE", ""].map(str::to_owned)];
    for package in lock.packages().iter().filter(|package| wanted(package)) {
        let cached = fetch.cache().get(package.size, &package.digest).ok().flatten().is_some();
        if !cached {
            total += package.size;
        }
        rows.push([
            package.name.clone(),
            package.version.clone(),
            package.host.to_string(),
            package.suite.clone(),
            package.targets().count().to_string(),
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
    let images = plan.images.iter().map(|image| image.tags.as_slice());
    for tags in images.chain(plan.indexes.iter().map(|index| index.tags.as_slice())) {
        if !tags.is_empty() {
            text.push_str(&format!("  {}\n", tags.join(", ")));
        }
    }
    text
}
