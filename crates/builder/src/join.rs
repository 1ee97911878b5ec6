//! Joins what each host's run has pushed into the indexes, and moves the tags.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::bail;
use arch::Host;
use base::Hinted;
use debian::Progress;
use oci::Blob;
use oci::spec::{Descriptor, Index, Manifest};
use publish::registry::{self, Fetched, Registry, Repository, Tagged};
use sha256::Digest;

use crate::content::Content;
use crate::expected::Expected;
use crate::packing::Form;
use crate::plan::{ImagePlan, IndexPlan, Plan};
use crate::statements::Statements;
use crate::{build, tags};

/// Puts the indexes of `plan` over the images that are at the registry, and sets every tag; with `dry_run`, says which would
/// be set. Fails, before anything is set, if an image is missing or from another lock, or if the result is not what
/// `expected`, which was read from a file, has.
pub async fn join(
    plan: &Plan,
    statements: Statements,
    registry: &Registry,
    expected: Option<(&Expected, &Path)>,
    dry_run: bool,
    progress: &dyn Progress,
) -> anyhow::Result<Vec<Tagged>> {
    let repository = registry.repository();
    let step = progress.step(&format!("looking at {repository}"));
    let found = find(plan, statements, registry).await?;
    drop(step);
    let indexes = indexes(plan, &found)?;
    if let Some((expected, file)) = expected {
        check(expected, file, plan, &found, &indexes, repository)?;
    }
    let fixed = indexes.iter().flat_map(|(plan, index)| tags::fixed(plan, index.descriptor()));
    registry::check_fixed(&fixed.collect::<Vec<_>>(), registry).await?;
    set_tags(plan, &found, &indexes, registry, dry_run).await
}

/// The images at the registry.
#[derive(Default)]
struct Found {
    /// By place in the plan.
    images: BTreeMap<usize, Descriptor>,
    /// Those that have tags, by the one that names the version.
    tagged: BTreeMap<String, Fetched>,
    /// Those of the statements, by the image that they are about.
    attestations: BTreeMap<Digest, Descriptor>,
}

impl Found {
    /// An image of the plan that has tags.
    fn image(&self, image: &ImagePlan) -> Option<&Fetched> {
        self.tagged.get(image.version_tag()?)
    }
}

/// An index that is not at the registry yet, and its plan.
type Joined<'a> = (&'a IndexPlan, Blob);

/// Finds every image of the plan; all that is missing or from another lock is named together.
async fn find(plan: &Plan, statements: Statements, registry: &Registry) -> anyhow::Result<Found> {
    let mut problems = Vec::new();
    let mut found = Found::default();
    let mut singles: BTreeMap<Group<'_>, BTreeMap<(Content, Form), Descriptor>> = BTreeMap::new();
    let has_target = |image: &&ImagePlan| image.content.target().is_some();
    for (host, label) in groups(plan.images.iter().filter(has_target)) {
        let tag = tags::host_tag(host, label);
        match registry.manifest(&tag).await? {
            None => problems.push(format!("{host}: there is no `{tag}`")),
            Some(fetched) => {
                let index: Index = oci::spec::parse(&fetched.descriptor.media_type, &fetched.bytes)?;
                if statements.any() {
                    found.attestations.extend(attestations(&index));
                }
                let by_content = index.manifests.into_iter().filter_map(|descriptor| {
                    let content = tags::content_of(&descriptor)?;
                    let form = if descriptor.is_zstd() { Form::Zstd } else { Form::Gzip };
                    let platform = Some(host.platform().into());
                    let descriptor = Descriptor { platform, annotations: BTreeMap::new(), ..descriptor };
                    Some(((content, form), descriptor))
                });
                singles.insert((host, label), by_content.collect());
            }
        }
    }
    if statements.any() {
        for (host, label) in groups(plan.images.iter()) {
            let tag = tags::attestations_tag(host, label);
            // What is missing is named with its image.
            if let Some(fetched) = registry.manifest(&tag).await? {
                let index: Index = oci::spec::parse(&fetched.descriptor.media_type, &fetched.bytes)?;
                found.attestations.extend(attestations(&index));
            }
        }
    }
    for (place, image) in plan.images.iter().enumerate() {
        let host = image.host;
        let (what, descriptor) = match image.content.target() {
            None => {
                let tag = image.version_tag().unwrap_or_default();
                match registry.manifest(tag).await? {
                    None => {
                        problems.push(format!("{host}: there is no `{tag}`"));
                        continue;
                    }
                    Some(fetched) => {
                        let manifest: Manifest =
                            oci::spec::parse(&fetched.descriptor.media_type, &fetched.bytes)?;
                        let inputs = manifest.annotations.get(&build::inputs_key());
                        if inputs != Some(&build::inputs(host, plan.lock(image)).to_string()) {
                            problems.push(format!("{host}: `{tag}` was built from another lock"));
                        }
                        let descriptor = fetched.descriptor.clone();
                        found.tagged.insert(tag.to_owned(), fetched);
                        (tag.to_owned(), descriptor)
                    }
                }
            }
            Some(_) => {
                // A host whose index is missing was named above.
                let Some(targets) = singles.get(&(host, image.label.as_str())) else { continue };
                match targets.get(&(image.content, image.form)) {
                    Some(descriptor) => (image.content.moving_tag(), descriptor.clone()),
                    None => {
                        let (tag, form) = (image.content.moving_tag(), image.form.name());
                        problems.push(format!("{host}: its index of targets has no `{tag}` in {form}"));
                        continue;
                    }
                }
            }
        };
        if image.content.target().is_some()
            && registry.head_manifest(&descriptor.digest.to_string()).await?.is_none()
        {
            problems.push(format!("{host}: the image of `{what}` ({}) is gone", descriptor.digest));
        }
        if statements.any() {
            match found.attestations.get(&descriptor.digest) {
                None => problems.push(format!("{host}: nothing is said about the image of `{what}`")),
                Some(said) if registry.head_manifest(&said.digest.to_string()).await?.is_none() => {
                    problems.push(format!("{host}: what is said about the image of `{what}` is gone"));
                }
                Some(_) => {}
            }
        }
        let descriptor = Descriptor { platform: Some(host.platform().into()), ..descriptor }
            .with_zstd(image.form == Form::Zstd);
        found.images.insert(place, descriptor);
    }
    if problems.is_empty() {
        return Ok(found);
    }
    let repository = registry.repository();
    let list = problems.join("\n  ");
    let hosts: Vec<String> = plan.hosts().iter().map(ToString::to_string).collect();
    let hint = format!(
        "push every host ({}) from this lock first: cargo xtask images --push --versioned-only --host HOST",
        hosts.join(", ")
    );
    let hinted = Hinted::new(format!("cannot join {repository}:\n  {list}"), hint);
    bail!(hinted)
}

/// A host, and what its tags call an edition.
type Group<'a> = (Host, &'a str);

/// The groups that images are in, in their order.
fn groups<'a>(images: impl Iterator<Item = &'a ImagePlan>) -> Vec<Group<'a>> {
    let mut groups = Vec::new();
    for group in images.map(|image| (image.host, image.label.as_str())) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

/// The entries of an index that are statements, by the image that they are about.
fn attestations(index: &Index) -> impl Iterator<Item = (Digest, Descriptor)> {
    index.manifests.iter().filter_map(|entry| Some((entry.attests()?, entry.clone())))
}

/// Makes the indexes of `plan` over what was found.
fn indexes<'a>(plan: &'a Plan, found: &Found) -> anyhow::Result<Vec<Joined<'a>>> {
    let index = |index_plan: &'a IndexPlan| {
        let images = plan.listed(index_plan).into_iter().filter_map(|place| found.images.get(&place));
        let member = |image: &Descriptor| build::Member {
            image: image.clone(),
            attestation: found.attestations.get(&image.digest).cloned(),
        };
        let index = build::index(plan, index_plan, images.map(member))?;
        Ok((index_plan, index))
    };
    plan.indexes.iter().map(index).collect()
}

/// Refuses anything but what `expected`, which is from `file`, has: other images, more, or fewer.
fn check(
    expected: &Expected,
    file: &Path,
    plan: &Plan,
    found: &Found,
    indexes: &[Joined<'_>],
    repository: &Repository,
) -> anyhow::Result<()> {
    let images = plan.images.iter().filter_map(|image| Some((image, found.image(image)?)));
    let images = images.flat_map(|(image, fetched)| {
        image.tags.iter().map(|tag| (tag.clone(), fetched.descriptor.digest)).collect::<Vec<_>>()
    });
    let indexes =
        indexes.iter().flat_map(|(plan, index)| plan.all_tags().map(|tag| (tag.clone(), index.digest())));
    let actual: BTreeMap<String, Digest> = images.chain(indexes).collect();
    let differences = expected.differences(&actual);
    if differences.is_empty() {
        return Ok(());
    }
    let message = format!(
        "cannot join {repository}: it is not what {} has:\n  {}",
        file.display(),
        differences.join("\n  ")
    );
    let hint = "push every host from the commit, and with the toolchain and the level, that the file is from";
    bail!(Hinted::new(message, hint))
}

/// Puts the indexes by digest and the tags that name a version; then the tags that move, of single hosts and of all.
async fn set_tags(
    plan: &Plan,
    found: &Found,
    indexes: &[Joined<'_>],
    registry: &Registry,
    dry_run: bool,
) -> anyhow::Result<Vec<Tagged>> {
    let tagged = |tag: fn(&IndexPlan) -> Option<&String>| {
        indexes
            .iter()
            .filter_map(move |(plan, index)| Some((tag(plan)?.as_str(), index.descriptor(), index.bytes())))
    };
    let fixed = indexes.iter().flat_map(|(plan, index)| {
        plan.fixed_tags.iter().map(move |tag| (tag.as_str(), index.descriptor(), index.bytes()))
    });
    let versioned = fixed.chain(tagged(|plan| plan.version_tag.as_ref()));
    let of_hosts = plan.images.iter().filter_map(|image| Some((image, found.image(image)?)));
    let of_hosts = of_hosts.flat_map(|(image, fetched)| {
        let tags = image.moving_tags().iter();
        tags.map(|tag| (tag.as_str(), &fetched.descriptor, fetched.bytes.as_slice())).collect::<Vec<_>>()
    });
    let moving = tagged(|plan| plan.moving_tag.as_ref());
    let mut tags = Vec::new();
    for (tag, descriptor, bytes) in versioned.chain(of_hosts).chain(moving) {
        let moved = match dry_run {
            true => registry.head_manifest(tag).await? != Some(descriptor.digest),
            false => registry.set_tag(tag, descriptor, bytes).await?.moved,
        };
        tags.push(Tagged { tag: tag.to_owned(), digest: descriptor.digest, moved });
    }
    Ok(tags)
}
