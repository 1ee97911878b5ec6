//! The tags that a push sets, and their order.

use std::collections::BTreeMap;

use arch::Host;
use debian::QemuVersion;
use oci::spec::Descriptor;
use oci::{Blob, IndexBuilder};
use publish::layout::LayoutWriter;
use publish::registry::Push;

use crate::build::{Built, BuiltImage, PREFIX};
use crate::content::Content;
use crate::plan::version_of;

/// The tags that a push sets: every host's own tags; then the indexes, those that name a version before those that move.
///
/// With `partial`, no index is pushed but two for each host, one of its single-target images and one of the statements about the
/// others: they have no tags of their own, and `cargo xtask manifest` finds them by it. With `versioned_only`, no tag that moves is set.
pub fn plan(
    built: &Built,
    layout: &LayoutWriter,
    partial: bool,
    versioned_only: bool,
) -> anyhow::Result<Vec<Push>> {
    let mut pushes = Vec::new();
    for image in &built.images {
        let moving = image.plan.moving_tags().iter().map(String::as_str).filter(|_| !versioned_only);
        let tags = image.plan.version_tag().into_iter().chain(moving);
        pushes.extend(tags.map(|tag| push(tag, &image.descriptor)));
    }
    if partial {
        for (tag, index) in host_indexes(built)?.into_iter().chain(attestations(built)?) {
            layout.put(&index)?;
            pushes.push(push(&tag, index.descriptor()));
        }
        return Ok(pushes);
    }
    let versioned = built.indexes.iter().map(|index| push(index.plan.version_tag(), index.descriptor()));
    let moving = built.indexes.iter().map(|index| push(index.plan.moving_tag(), index.descriptor()));
    pushes.extend(versioned.chain(moving.filter(|_| !versioned_only)));
    Ok(pushes)
}

fn push(tag: &str, descriptor: &Descriptor) -> Push {
    Push { tag: Some(tag.to_owned()), descriptor: descriptor.clone() }
}

/// The tag of a host's index of single-target images.
pub fn host_tag(host: Host, version: QemuVersion) -> String {
    format!("{}-d{version}-targets", host.tag())
}

fn host_indexes(built: &Built) -> anyhow::Result<Vec<(String, Blob)>> {
    let mut hosts: BTreeMap<Host, IndexBuilder> = BTreeMap::new();
    let singles = || built.images.iter().filter(|image| image.plan.content.target().is_some());
    for image in singles() {
        // An index has one image for each platform; here the annotation tells them apart.
        let mut descriptor = Descriptor { platform: None, ..image.descriptor.clone() };
        descriptor.annotations.insert(target_key(), image.plan.content.moving_tag());
        hosts.entry(image.plan.host).or_default().add_descriptor(descriptor)?;
    }
    add_attestations(singles(), &mut hosts)?;
    tagged(hosts, host_tag, built)
}

/// The tag of a host's index of the statements about its images that hold everything.
pub fn attestations_tag(host: Host, version: QemuVersion) -> String {
    format!("{}-d{version}-attestations", host.tag())
}

fn attestations(built: &Built) -> anyhow::Result<Vec<(String, Blob)>> {
    let mut hosts = BTreeMap::new();
    add_attestations(built.images.iter().filter(|image| image.plan.content.target().is_none()), &mut hosts)?;
    tagged(hosts, attestations_tag, built)
}

fn add_attestations<'a>(
    images: impl Iterator<Item = &'a BuiltImage>,
    hosts: &mut BTreeMap<Host, IndexBuilder>,
) -> anyhow::Result<()> {
    for image in images {
        if let Some(attestation) = image.attestation.clone() {
            hosts.entry(image.plan.host).or_default().add_descriptor(attestation)?;
        }
    }
    Ok(())
}

/// Each host's index, under its tag.
fn tagged(
    hosts: BTreeMap<Host, IndexBuilder>,
    tag: impl Fn(Host, QemuVersion) -> String,
    built: &Built,
) -> anyhow::Result<Vec<(String, Blob)>> {
    let tagged = |(host, index): (Host, IndexBuilder)| {
        Ok((tag(host, version_of(host, &built.versions)?), index.build()))
    };
    hosts.into_iter().map(tagged).collect()
}

fn target_key() -> String {
    format!("{PREFIX}.target")
}

/// The content of an image in a host's index of single-target images.
pub(crate) fn content_of(descriptor: &Descriptor) -> Option<Content> {
    Content::of_target_tag(descriptor.annotations.get(&target_key())?)
}
