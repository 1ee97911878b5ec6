//! Statements as referrers of the images that they are about.

use base::count;
use builder::build::Built;
use debian::Progress;
use oci::Referrer;
use oci::spec::Manifest;
use publish::layout::{Layout, LayoutWriter};
use publish::registry::{Mode, Registry};

/// The referrers of what was built, which are put into the layout to be pushed from there.
pub(crate) fn make(built: &Built, layout: &Layout, writer: &LayoutWriter) -> anyhow::Result<Vec<Referrer>> {
    let mut referrers = Vec::new();
    for image in &built.images {
        let Some(attestation) = &image.attestation else { continue };
        let manifest: Manifest = layout.json(attestation)?;
        for statement in &manifest.layers {
            let referrer = Referrer::build(&image.descriptor, statement);
            writer.put(&referrer.config)?;
            writer.put(&referrer.manifest)?;
            referrers.push(referrer);
        }
    }
    Ok(referrers)
}

/// Lists `referrers`, which were pushed.
pub(crate) async fn list(
    registry: &Registry,
    referrers: &[Referrer],
    mode: Mode,
    progress: &dyn Progress,
) -> anyhow::Result<()> {
    let lists = registry.list_referrers(referrers, mode).await?;
    let statements = count(referrers.len(), "statement refers", "statements refer");
    let images = count(lists.images, "image", "images");
    let would = if mode == Mode::DryRun { "would be " } else { "" };
    progress.note(&match lists.written {
        None => format!("{statements} to {images}: the registry lists them"),
        Some(0) => format!("{statements} to {images}: all of them are listed under tags `sha256-…`"),
        Some(written) => format!("{statements} to {images}: {written} {would}listed under tags `sha256-…`"),
    });
    Ok(())
}
