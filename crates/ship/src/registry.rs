//! Straight to the registry.

use anyhow::Context as _;
use base::{count, size};
use debian::Progress;
use publish::layout::Layout;
use publish::registry::{self, Mode, Push, Registry};

use crate::shipped::Shipped;
use crate::uploads::Uploads;

pub(crate) async fn push(
    layout: &Layout,
    pushes: &[Push],
    from: &[String],
    registry: &Registry,
    mode: Mode,
    progress: &dyn Progress,
) -> anyhow::Result<Vec<Shipped>> {
    let repository = registry.repository();
    let uploads = Uploads::new(progress, mode);
    let report = registry::push(layout, pushes, from, registry, mode, &uploads)
        .await
        .with_context(|| format!("cannot push to {repository}"))?;
    drop(uploads);
    let would = if mode == Mode::DryRun { "would be " } else { "" };
    if report.unchanged() {
        progress.note(&format!("{repository} has everything already: nothing is uploaded, no tag moves"));
    } else {
        progress.note(&format!(
            "{repository}: {} ({}) {would}uploaded, {} mounted, {} there already; {} new; \
             {} of {} {would}moved",
            count(report.uploaded.len(), "blob", "blobs"),
            size(report.bytes_uploaded()),
            report.mounted.len(),
            report.present.len(),
            count(report.manifests.len(), "manifest", "manifests"),
            report.tags.iter().filter(|tag| tag.moved).count(),
            count(report.tags.len(), "tag", "tags"),
        ));
    }
    Ok(report.tags.into_iter().map(|tag| Shipped::new(repository, &tag.tag, tag.digest, tag.moved)).collect())
}
