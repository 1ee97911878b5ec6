//! The tags that a push sets, and their order.

use std::collections::BTreeMap;

use arch::Host;
use oci::spec::Descriptor;
use oci::{Blob, IndexBuilder};
use publish::layout::LayoutWriter;
use publish::registry::Push;

use crate::build::{Built, BuiltImage, BuiltIndex, PREFIX};
use crate::content::Content;
use crate::plan::IndexPlan;

/// The tags that a push sets: every host's own tags; then the indexes, those that name a version before those that move, and those that never move
/// first.
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
    let tagged = |tag: fn(&IndexPlan) -> Option<&String>| {
        let tagged = move |index: &BuiltIndex| Some(push(tag(&index.plan)?, index.descriptor()));
        built.indexes.iter().filter_map(tagged)
    };
    pushes.extend(built.indexes.iter().flat_map(|index| fixed(&index.plan, index.descriptor())));
    pushes.extend(tagged(|plan| plan.version_tag.as_ref()));
    pushes.extend(tagged(|plan| plan.moving_tag.as_ref()).filter(|_| !versioned_only));
    Ok(pushes)
}

/// The tags of an index that never move.
pub(crate) fn fixed(plan: &IndexPlan, descriptor: &Descriptor) -> impl Iterator<Item = Push> {
    plan.fixed_tags.iter().map(|tag| Push { fixed: true, ..push(tag, descriptor) })
}

fn push(tag: &str, descriptor: &Descriptor) -> Push {
    Push { tag: Some(tag.to_owned()), fixed: false, descriptor: descriptor.clone() }
}

/// The images of one edition of a host: the host, and what its tags call the edition.
type Group = (Host, String);

/// The tag of a host's index of single-target images.
pub fn host_tag(host: Host, label: &str) -> String {
    format!("{}-{label}-targets", host.tag())
}

fn host_indexes(built: &Built) -> anyhow::Result<Vec<(String, Blob)>> {
    let mut hosts: BTreeMap<Group, IndexBuilder> = BTreeMap::new();
    let singles = || built.images.iter().filter(|image| image.plan.content.target().is_some());
    for image in singles() {
        // An index has one image for each platform; here the annotation tells them apart.
        let mut descriptor = Descriptor { platform: None, ..image.descriptor.clone() };
        descriptor.annotations.insert(target_key(), image.plan.content.moving_tag());
        hosts.entry(group(image)).or_default().add_descriptor(descriptor)?;
    }
    add_attestations(singles(), &mut hosts)?;
    Ok(tagged(hosts, host_tag))
}

fn group(image: &BuiltImage) -> Group {
    (image.plan.host, image.plan.label.clone())
}

/// The tag of a host's index of the statements about its images that hold everything.
pub fn attestations_tag(host: Host, label: &str) -> String {
    format!("{}-{label}-attestations", host.tag())
}

fn attestations(built: &Built) -> anyhow::Result<Vec<(String, Blob)>> {
    let mut hosts = BTreeMap::new();
    add_attestations(built.images.iter().filter(|image| image.plan.content.target().is_none()), &mut hosts)?;
    Ok(tagged(hosts, attestations_tag))
}

fn add_attestations<'a>(
    images: impl Iterator<Item = &'a BuiltImage>,
    hosts: &mut BTreeMap<Group, IndexBuilder>,
) -> anyhow::Result<()> {
    for image in images {
        if let Some(attestation) = image.attestation.clone() {
            hosts.entry(group(image)).or_default().add_descriptor(attestation)?;
        }
    }
    Ok(())
}

/// Each host's index, under its tag.
fn tagged(hosts: BTreeMap<Group, IndexBuilder>, tag: impl Fn(Host, &str) -> String) -> Vec<(String, Blob)> {
    hosts.into_iter().map(|((host, label), index)| (tag(host, &label), index.build())).collect()
}

fn target_key() -> String {
    format!("{PREFIX}.target")
}

/// The content of an image in a host's index of single-target images.
pub(crate) fn content_of(descriptor: &Descriptor) -> Option<Content> {
    Content::of_target_tag(descriptor.annotations.get(&target_key())?)
}
