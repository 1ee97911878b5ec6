//! The sizes of downloads, read from a layout.

use std::collections::BTreeMap;

use arch::{Host, Target};
use oci::spec::{Descriptor, Index, Manifest, media_type};
use publish::layout::{Layout, LayoutError};

use crate::content::Content;
use crate::kind::Kind;

/// Compressed sizes in bytes.
#[derive(Debug, Default)]
pub struct Sizes {
    /// One target's binary: the layer with it in its single-target image.
    pub cells: BTreeMap<(Host, Target), u64>,
    /// The whole single-target image.
    pub singles: BTreeMap<(Host, Target), u64>,
    /// A host's image with everything: `full`, or `pkg` where there is no other.
    pub images: BTreeMap<Host, u64>,
}

impl Sizes {
    /// Reads every image that a tag of the layout leads to.
    pub fn read(layout: &Layout) -> Result<Sizes, LayoutError> {
        let mut sizes = Sizes::default();
        for (tag, descriptor) in layout.refs() {
            if let Ok(target) = tag.parse::<Target>()
                && target.name() == tag
                && let Some(content) = Content::of_target_tag(&tag)
            {
                for (host, manifest) in images(layout, &descriptor)? {
                    let layer = content.qemu_layer().and_then(|place| manifest.layers.get(place));
                    let layer = layer.map_or(0, |layer| layer.size);
                    sizes.cells.entry((host, target)).or_insert(layer);
                    sizes.singles.entry((host, target)).or_insert(total(&manifest));
                }
            }
        }
        // In this order, so that `full` is what counts where there are both.
        for kind in [Kind::Full, Kind::Pkg] {
            let Some((_, descriptor)) = layout.refs().into_iter().find(|(tag, _)| tag == kind.moving_tag())
            else {
                continue;
            };
            for (host, manifest) in images(layout, &descriptor)? {
                sizes.images.entry(host).or_insert(total(&manifest));
            }
        }
        Ok(sizes)
    }
}

fn total(manifest: &Manifest) -> u64 {
    manifest.layers.iter().map(|layer| layer.size).sum()
}

/// The images that a tag leads to, by host. A host with one image for each compression is there more than once, with
/// the one that every engine reads first.
fn images(layout: &Layout, tag: &Descriptor) -> Result<Vec<(Host, Manifest)>, LayoutError> {
    if tag.media_type != media_type::INDEX {
        return Ok(Vec::new());
    }
    let index: Index = layout.json(tag)?;
    let mut images = Vec::new();
    for descriptor in index.manifests {
        let platform = descriptor.platform.as_ref().map(ToString::to_string).unwrap_or_default();
        // What is for no host of ours is nothing that a user runs.
        if let Ok(host) = platform.parse() {
            images.push((host, layout.json(&descriptor)?));
        }
    }
    Ok(images)
}
