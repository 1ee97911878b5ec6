//! Pushing what a layout holds, in an order that never shows a half-pushed tag.
//!
//! First blobs, then images by digest, then the tags of images, then indexes by digest, and last the tags of
//! indexes, one after the other in the order given. Whatever fails, no tag points to something incomplete. So a tag that
//! points to the right thing answers for all that is below it: only what the other tags lead to is read in the layout, and
//! asked for by digest. [`Options::repair`](super::Options::repair) asks for everything.
//!
//! A tag that never moves points to what it was seen to point to ([`Options::seen`](super::Options::seen)). Nothing is sent on that
//! alone: these tags go unasked only if there is nothing to do for any other.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use base::{lock, unlock};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use oci::spec::{Descriptor, Index, Manifest, media_type};
use sha256::Digest;

use super::client::Registry;
use super::error::{Reason, RegistryError};
use super::options::Options;
use super::progress::{Event, Progress};
use super::report::{Report, Tagged};
use super::upload::Outcome;
use crate::layout::{self, Layout, LayoutError};
use crate::limits;

/// One thing to push: an image or an index of the layout, under a tag, or by digest alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The tag to point to it.
    pub tag: Option<String>,
    /// True if the tag never moves: once it is at the registry, it points to the same for good.
    pub fixed: bool,
    /// The image or index.
    pub descriptor: Descriptor,
}

/// The choice between pushing and finding out what a push would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Push.
    Push,
    /// Ask the registry what it has; change nothing.
    DryRun,
}

/// Pushes `plan`. `from` are other repositories at the registry (paths) whose blobs may be mounted.
pub async fn push(
    layout: &Layout,
    plan: &[Push],
    from: &[String],
    registry: &Registry,
    mode: Mode,
    progress: &dyn Progress,
) -> Result<Report, RegistryError> {
    let run = Run { layout, from, registry, mode, progress, report: Mutex::default() };
    check(plan, registry)?;
    let tags = run.all_tags(plan).await?;
    let before = |tag: &str| tags.get(tag).copied().flatten();
    refuse_moves(plan, registry, &before)?;
    let repair = registry.http.options().repair;
    let is_wrong = |push: &&Push| push.tag.as_deref().and_then(before) != Some(push.descriptor.digest);
    let parts = Parts::of(layout, plan.iter().filter(|push| repair || is_wrong(push)), registry)?;
    // What a tag points to is there, and need not be asked for by its digest.
    let tagged: BTreeSet<Digest> = tags.values().flatten().copied().collect();
    let unseen = |digest: &&Digest| repair || !tagged.contains(digest);
    let missing = run.missing(parts.images.keys().filter(unseen)).await?;
    let blobs: BTreeMap<Digest, Descriptor> = parts
        .images
        .iter()
        .filter(|(image, _)| repair || missing.contains(image))
        .flat_map(|(_, blobs)| blobs)
        .map(|blob| (blob.digest, blob.clone()))
        .collect();
    each(registry, blobs.values(), |blob| run.blob(blob)).await?;
    each(registry, missing.iter(), |digest| run.manifest(&parts.descriptors[digest])).await?;
    let (index_tags, image_tags): (Vec<_>, Vec<_>) = plan
        .iter()
        .filter_map(|push| push.tag.as_deref().map(|tag| (tag, &push.descriptor)))
        .partition(|(_, descriptor)| descriptor.media_type == media_type::INDEX);
    let point = async |tag: &str, to: &Descriptor| run.tag(tag, to, before(tag)).await;
    each(registry, image_tags.iter(), |(tag, descriptor)| point(tag, descriptor)).await?;
    let missing = run.missing(parts.indexes.iter().filter(unseen)).await?;
    each(registry, missing.iter(), |digest| run.manifest(&parts.descriptors[digest])).await?;
    for (tag, descriptor) in &index_tags {
        point(tag, descriptor).await?;
    }
    Ok(run.into_report())
}

/// Fails if one tag of `plan` is to point to two things.
fn check(plan: &[Push], registry: &Registry) -> Result<(), RegistryError> {
    let mut tags = BTreeMap::new();
    for push in plan {
        if let Some(tag) = &push.tag
            && let Some(other) = tags.insert(tag, push.descriptor.digest)
            && other != push.descriptor.digest
        {
            let reason = Reason::Plan(format!("the tag `{tag}` shall point to two images"));
            return Err(RegistryError::new(format!("push to {}", registry.repository()), reason));
        }
    }
    Ok(())
}

/// Fails if a tag of `plan` that never moves would, and returns those that are there already: nothing is left to do for them, unless
/// everything is to be asked for ([`Options::repair`](super::Options::repair)). A push asks by itself; this is for what comes before
/// one, or in its place.
pub async fn check_fixed(plan: &[Push], registry: &Registry) -> Result<BTreeSet<String>, RegistryError> {
    let fixed: Vec<&Push> = plan.iter().filter(|push| push.fixed).collect();
    let tags = tags(&fixed, registry).await?;
    refuse_moves(plan, registry, &|tag| tags.get(tag).copied().flatten())?;
    let there = tags.into_iter().filter(|(_, digest)| digest.is_some() && !registry.http.options().repair);
    Ok(there.map(|(tag, _)| tag.to_owned()).collect())
}

/// Fails if a tag that never moves would, before anything is pushed.
fn refuse_moves(
    plan: &[Push],
    registry: &Registry,
    before: &dyn Fn(&str) -> Option<Digest>,
) -> Result<(), RegistryError> {
    let is_moved = |push: &&Push| {
        let before = push.tag.as_deref().and_then(before);
        push.fixed && before.is_some_and(|digest| digest != push.descriptor.digest)
    };
    let moved: Vec<&str> = plan.iter().filter(is_moved).filter_map(|push| push.tag.as_deref()).collect();
    let Some(first) = moved.first() else { return Ok(()) };
    let reason = Reason::Fixed { first: (*first).to_owned(), others: moved.len() - 1 };
    Err(RegistryError::new(format!("push to {}", registry.repository()), reason))
}

/// Does something to many items at once, up to the limit; stops at the first failure.
async fn each<T, F>(
    registry: &Registry,
    items: impl Iterator<Item = T>,
    action: impl Fn(T) -> F,
) -> Result<(), RegistryError>
where
    F: Future<Output = Result<(), RegistryError>>,
{
    let limit = registry.http.options().concurrency.max(1);
    stream::iter(items.map(action)).buffer_unordered(limit).try_collect::<()>().await
}

/// The digests that the tags of `pushes` point to at the registry.
async fn tags<'p>(
    pushes: &[&'p Push],
    registry: &Registry,
) -> Result<BTreeMap<&'p str, Option<Digest>>, RegistryError> {
    let found = Mutex::new(BTreeMap::new());
    let tags = pushes.iter().filter_map(|push| push.tag.as_deref());
    each(registry, tags, async |tag: &'p str| {
        let digest = registry.head_manifest(tag).await?;
        lock(&found).insert(tag, digest);
        Ok(())
    })
    .await?;
    Ok(unlock(found))
}

/// The parts of a plan, or of a part of it.
#[derive(Default)]
struct Parts {
    /// Each image with its blobs.
    images: BTreeMap<Digest, Vec<Descriptor>>,
    indexes: BTreeSet<Digest>,
    /// Of images and indexes.
    descriptors: BTreeMap<Digest, Descriptor>,
}

impl Parts {
    fn of<'p>(
        layout: &Layout,
        plan: impl Iterator<Item = &'p Push>,
        registry: &Registry,
    ) -> Result<Parts, RegistryError> {
        let mut parts = Parts::default();
        for push in plan {
            let action = || format!("push to {}", registry.repository());
            parts.add(layout, &push.descriptor, 0).map_err(|error| RegistryError::new(action(), error))?;
        }
        Ok(parts)
    }

    /// Adds what is `depth` documents below a tag.
    fn add(&mut self, layout: &Layout, descriptor: &Descriptor, depth: usize) -> Result<(), LayoutError> {
        let digest = descriptor.digest;
        if depth == limits::DEPTH {
            return Err(LayoutError::TooDeep { path: layout.blob_path(digest) });
        }
        self.descriptors.insert(digest, descriptor.clone());
        if descriptor.media_type == media_type::INDEX {
            if self.indexes.insert(digest) {
                for image in layout.json::<Index>(descriptor)?.manifests {
                    self.add(layout, &image, depth + 1)?;
                }
            }
        } else if let Entry::Vacant(image) = self.images.entry(digest) {
            let manifest: Manifest = layout.json(descriptor)?;
            image.insert(manifest.layers.into_iter().chain([manifest.config]).collect());
        }
        Ok(())
    }
}

struct Run<'a> {
    layout: &'a Layout,
    from: &'a [String],
    registry: &'a Registry,
    mode: Mode,
    progress: &'a dyn Progress,
    report: Mutex<Report>,
}

impl Run<'_> {
    /// The digests that the plan's tags point to at the registry: as it says, or as those that never move were seen where all others
    /// are right.
    async fn all_tags<'p>(
        &self,
        plan: &'p [Push],
    ) -> Result<BTreeMap<&'p str, Option<Digest>>, RegistryError> {
        let Options { repair, seen, .. } = self.registry.http.options();
        let is_seen = |push: &&Push| {
            let before = push.tag.as_deref().and_then(|tag| seen.get(tag));
            push.fixed && !repair && before == Some(&push.descriptor.digest)
        };
        let (seen, asked): (Vec<&Push>, Vec<&Push>) = plan.iter().partition(is_seen);
        let mut found = tags(&asked, self.registry).await?;
        let is_right =
            |push: &&Push| push.tag.as_deref().and_then(|tag| found[tag]) == Some(push.descriptor.digest);
        if !asked.is_empty() && asked.iter().all(is_right) {
            let as_seen = |push: &&'p Push| Some((push.tag.as_deref()?, Some(push.descriptor.digest)));
            found.extend(seen.iter().filter_map(as_seen));
        } else {
            found.extend(tags(&seen, self.registry).await?);
        }
        Ok(found)
    }

    /// Those that the registry does not have.
    async fn missing(
        &self,
        digests: impl Iterator<Item = &Digest>,
    ) -> Result<BTreeSet<Digest>, RegistryError> {
        let missing = Mutex::new(BTreeSet::new());
        each(self.registry, digests, async |digest: &Digest| {
            if self.registry.head_manifest(&digest.to_string()).await?.is_none() {
                lock(&missing).insert(*digest);
            }
            Ok(())
        })
        .await?;
        Ok(unlock(missing))
    }

    async fn blob(&self, blob: &Descriptor) -> Result<(), RegistryError> {
        let outcome = match self.mode {
            Mode::DryRun if self.registry.has_blob(blob).await? => Outcome::Present,
            Mode::DryRun => Outcome::Uploaded,
            Mode::Push => {
                self.progress.event(Event::Started { blob });
                let path = self.layout.blob_path(blob.digest);
                // The upload opens it by its path, and would wait for a FIFO.
                layout::open(&path).map_err(|error| {
                    let action = format!("push {} to {}", blob.digest, self.registry.repository());
                    RegistryError::new(action, LayoutError::io("open", &path)(error))
                })?;
                let sent = |bytes| self.progress.event(Event::Sent { blob, bytes });
                self.registry.upload(&path, blob, self.from, &sent).await?
            }
        };
        self.progress.event(Event::Ended { blob, outcome });
        let mut report = lock(&self.report);
        match outcome {
            Outcome::Present => report.present.push(blob.clone()),
            Outcome::Mounted => report.mounted.push(blob.clone()),
            Outcome::Uploaded => report.uploaded.push(blob.clone()),
        }
        Ok(())
    }

    async fn manifest(&self, descriptor: &Descriptor) -> Result<(), RegistryError> {
        if self.mode == Mode::Push {
            let name = descriptor.digest.to_string();
            self.registry.put_manifest(&name, descriptor, self.read(descriptor)?).await?;
        }
        self.progress.event(Event::Manifest { descriptor });
        lock(&self.report).manifests.push(descriptor.clone());
        Ok(())
    }

    /// `before` is what the tag pointed to when the push began.
    async fn tag(
        &self,
        tag: &str,
        descriptor: &Descriptor,
        before: Option<Digest>,
    ) -> Result<(), RegistryError> {
        let digest = descriptor.digest;
        let moved = before != Some(digest);
        if moved && self.mode == Mode::Push {
            self.registry.put_manifest(tag, descriptor, self.read(descriptor)?).await?;
        }
        let tagged = Tagged { tag: tag.to_owned(), digest, moved };
        self.progress.event(Event::Tagged { tagged: &tagged });
        lock(&self.report).tags.push(tagged);
        Ok(())
    }

    fn read(&self, descriptor: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        let action = || format!("push {} to {}", descriptor.digest, self.registry.repository());
        self.layout.read(descriptor).map_err(|error| RegistryError::new(action(), error))
    }

    /// Blobs and manifests end in any order; the report has one.
    fn into_report(self) -> Report {
        let mut report = unlock(self.report);
        for list in [&mut report.uploaded, &mut report.mounted, &mut report.present, &mut report.manifests] {
            list.sort_by_key(|descriptor| descriptor.digest);
        }
        report
    }
}
