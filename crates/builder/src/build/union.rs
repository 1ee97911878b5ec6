//! Indexes over what was built for some hosts and what the layout has of the others, so that building a part of the images
//! takes nothing from an index over hosts.
//!
//! An image of another host joins if it fits: it was made from what the lock has for its host now (as `cargo xtask
//! manifest` requires of what it joins), in the form that the index lists, and all of its blobs are there.

use std::collections::BTreeMap;

use arch::Host;
use debian::lock::Lock;
use oci::spec::{Descriptor, Index, Manifest, annotation};
use publish::layout::{Layout, LayoutWriter};

use super::assemble::{Built, BuiltIndex, Member, index, inputs, inputs_key};
use crate::content::Content;
use crate::packing::Form;
use crate::plan::{ImagePlan, IndexPlan, Plan, Selection};
use crate::statements::Statements;

/// The indexes that the layout gets.
pub(crate) struct Union {
    pub(crate) indexes: Vec<BuiltIndex>,
    /// Those that lack hosts: the first tag of each, with the hosts that it has.
    pub(crate) narrow: Vec<(String, Vec<Host>)>,
}

/// The identity of an image of a plan.
type Name = (Host, Content, Form, String);

/// Widens the indexes of `built`, which `plan` made of the `selection` of hosts, by what `layout` has.
pub(crate) fn widen(
    plan: &Plan,
    built: &Built,
    selection: &Selection,
    configured: &[Host],
    (lock, statements): (&Lock, Statements),
    (writer, layout): (&LayoutWriter, Option<&Layout>),
) -> anyhow::Result<Union> {
    let over = |hosts: &[Host]| {
        Plan::new(configured, &Selection { hosts: hosts.to_vec(), ..selection.clone() }, lock)
    };
    let asked = plan.hosts();
    let possible: Vec<Host> =
        configured.iter().copied().filter(|host| asked.contains(host) || over(&[*host]).is_ok()).collect();
    let whole = over(&possible)?;
    let mut images: BTreeMap<Name, Member> = match layout {
        Some(layout) => fitting(&whole, statements, writer, layout),
        None => BTreeMap::new(),
    };
    images.extend(built.images.iter().map(|image| (name(&image.plan), image.member())));

    let mut union = Union { indexes: Vec::new(), narrow: Vec::new() };
    let is_asked = |index: &&IndexPlan| {
        plan.indexes
            .iter()
            .any(|asked| index.all_tags().any(|tag| asked.all_tags().any(|other| other == tag)))
    };
    for index_plan in whole.indexes.iter().filter(is_asked) {
        let listed: Vec<&ImagePlan> =
            whole.listed(index_plan).into_iter().map(|place| &whole.images[place]).collect();
        let has = |host: &Host| listed.iter().any(|image| image.host == *host);
        let is_here = |host: &Host| {
            listed.iter().filter(|image| image.host == *host).all(|image| images.contains_key(&name(image)))
        };
        let expected: Vec<Host> = possible.iter().copied().filter(has).collect();
        let here: Vec<Host> = expected.iter().copied().filter(is_here).collect();
        // The images that it lists now.
        let part = whole.only(|image| index_plan.lists(image, image.form) && here.contains(&image.host));
        let mut index_plan = index_plan.clone();
        let newest = part.images.iter().map(|image| image.version).max();
        index_plan.version = newest.unwrap_or(index_plan.version);
        let members = part.listed(&index_plan).into_iter().map(|place| name(&part.images[place]));
        let members = members.filter_map(|name| images.get(&name).cloned());
        let blob = index(&part, &index_plan, members)?;
        if here != expected {
            union.narrow.extend(index_plan.tags().next().map(|tag| (tag.clone(), here.clone())));
        }
        union.indexes.push(BuiltIndex { plan: index_plan, blob, hosts: here });
    }
    Ok(union)
}

fn name(image: &ImagePlan) -> Name {
    (image.host, image.content, image.form, image.label.clone())
}

/// The images of `plan` that the layout has under their own tags or in an index, and that fit.
fn fitting(
    plan: &Plan,
    statements: Statements,
    writer: &LayoutWriter,
    layout: &Layout,
) -> BTreeMap<Name, Member> {
    let refs: BTreeMap<String, Descriptor> = layout.refs().into_iter().collect();
    // What cannot be read has no images to give: a build of everything makes it again.
    let members = |tag: &String| -> Vec<Descriptor> {
        let index = refs.get(tag).and_then(|root| layout.json::<Index>(root).ok());
        index.map(|index| index.manifests).unwrap_or_default()
    };
    let listed: Vec<(Content, Vec<Descriptor>)> =
        plan.indexes.iter().map(|index| (index.content, index.tags().flat_map(members).collect())).collect();
    let mut of_editions: BTreeMap<(usize, Host), String> = BTreeMap::new();
    for image in &plan.images {
        let inputs = || inputs(image.host, plan.lock(image)).to_string();
        of_editions.entry((image.edition, image.host)).or_insert_with(inputs);
    }
    let is_whole = |found: &Descriptor| {
        layout.closure([found]).is_ok_and(|blobs| blobs.iter().all(|blob| writer.contains(blob)))
    };
    let fits = |image: &ImagePlan, found: &Descriptor| {
        let is_same = layout.json::<Manifest>(found).is_ok_and(|manifest| {
            manifest.is_zstd() == (image.form == Form::Zstd)
                && manifest.annotations.get(&inputs_key()) == of_editions.get(&(image.edition, image.host))
        });
        is_same && is_whole(found)
    };
    // The statements that a build of the image would make, or none; what other ones say is not looked at.
    let attestation = |image: &Descriptor| -> Option<Option<Descriptor>> {
        if !statements.any() {
            return Some(None);
        }
        let of_image = |found: &&Descriptor| found.attests() == Some(image.digest);
        let mut found = listed.iter().flat_map(|(_, members)| members).filter(of_image);
        let is_kind = |found: &&Descriptor| {
            layout.json::<Manifest>(found).is_ok_and(|manifest| {
                let kinds = manifest.layers.iter().map(|layer| layer.annotations.get(annotation::PREDICATE));
                kinds.map(|kind| kind.map_or("", String::as_str)).eq(statements.predicates())
            })
        };
        found.find(|found| is_kind(found) && is_whole(found)).cloned().map(Some)
    };
    let find = |image: &ImagePlan| {
        let platform = Some(image.host.platform().into());
        let tagged = image.version_tag().and_then(|tag| refs.get(tag));
        let in_indexes = listed
            .iter()
            .filter(|(content, _)| *content == image.content)
            .flat_map(|(_, members)| members)
            .filter(|member| member.platform == platform);
        let found = tagged.into_iter().chain(in_indexes).find(|found| fits(image, found))?;
        let found = Descriptor { platform: platform.clone(), annotations: BTreeMap::new(), ..found.clone() };
        let attestation = attestation(&found)?;
        let found = found.with_zstd(image.form == Form::Zstd);
        Some((name(image), Member { image: found, attestation }))
    };
    plan.images.iter().filter_map(find).collect()
}
