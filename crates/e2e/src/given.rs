//! A layout that was built before: whether the jobs can be run on it as it is.

use std::path::Path;

use anyhow::Context as _;
use debian::lock::Lock;
use oci::spec::Manifest;
use publish::layout::Layout;

use crate::job::Image;
use crate::stage::descriptor;
use base::Hinted;
use builder::build;

/// Fails if the layout at `path` lacks one of `images`, or has one that was made from another lock.
pub(super) fn check(path: &Path, lock: &Lock, images: impl Iterator<Item = Image>) -> anyhow::Result<()> {
    let layout = Layout::open(path)?;
    for image in images {
        check_image(&layout, lock, image).map_err(|error| {
            Hinted::new(
                format!("cannot test {}: {error:#}", path.display()),
                format!(
                    "`cargo xtask images --output {}` makes it from the lock as it is now",
                    path.display()
                ),
            )
        })?;
    }
    Ok(())
}

fn check_image(layout: &Layout, lock: &Lock, image: Image) -> anyhow::Result<()> {
    let what = || format!("cannot read the image `{}` for {}", image.tag, image.host);
    let manifest: Manifest = layout.json(&descriptor(layout, image)?).with_context(what)?;
    let found = manifest.annotations.get(&build::inputs_key());
    let expected = build::inputs(image.host, lock).to_string();
    anyhow::ensure!(
        found == Some(&expected),
        "its image `{}` for {} was made from another lock",
        image.tag,
        image.host
    );
    Ok(())
}
