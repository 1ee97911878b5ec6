//! Pushing a plan through an engine, whatever its store can do.
//!
//! - containerd's store carries indexes: they are loaded whole, and pushed with their digests.
//! - The classic store holds single images and compresses their layers anew, so their digests change. Images with
//!   tags of their own go through the engine; those that only an index lists go to the registry directly, since an
//!   engine pushes nothing without a tag. The indexes are joined from what the registry then has.
//!
//! Tags of images come before tags of indexes, and those in the order of the plan, as in a direct push.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::Hint;
use oci::spec::{Descriptor, Index, media_type};
use sha256::Digest;

use super::error::{EngineError, Reason};
use super::{Engine, Store};
use crate::archive::Named;
use crate::credentials::Credentials;
use crate::layout::{Layout, LayoutError};
use crate::registry::{Mode, Push, Registry, RegistryError, Silent, Tagged, push as push_directly};

/// The number of times that a push through the engine is tried; the engine itself has tried each request several times by then.
const TRIES: u32 = 4;
/// The wait before the second try; longer before each one after.
const PAUSE: Duration = Duration::from_secs(1);

/// The results of a push.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Shipped {
    /// Every tag of the plan, in the order in which they were pushed.
    pub tags: Vec<Tagged>,
    /// Tags whose digest at the registry is not the local one.
    pub changed: BTreeSet<String>,
}

/// The reason why a plan was not pushed through an engine.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    /// The engine's part failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The registry's part failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The layout could not be read.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

impl Hint for ShipError {
    fn hint(&self) -> Option<String> {
        match self {
            ShipError::Engine(error) if matches!(error.reason(), Reason::Untrue(_)) => {
                Some("--push-via registry does not go through the engine".to_owned())
            }
            ShipError::Engine(error) => error.hint(),
            ShipError::Registry(error) => error.hint(),
            ShipError::Layout(error) => error.hint(),
        }
    }
}

impl Engine {
    /// Pushes `plan` to the repository of `registry`. `retried` hears of each failure after which a push is tried again. What
    /// was loaded for this, and was not in the engine before, is removed from it again.
    pub async fn ship(
        &self,
        layout: &Layout,
        plan: &[Push],
        registry: &Registry,
        credentials: &Credentials,
        retried: &(dyn Fn(&EngineError) + Sync),
    ) -> Result<Shipped, ShipError> {
        let ship = Ship { engine: self, layout, registry, credentials, retried };
        let (indexes, images): (Vec<_>, Vec<_>) = plan
            .iter()
            .filter_map(|push| push.tag.as_deref().map(|tag| (tag, &push.descriptor)))
            .partition(|(_, descriptor)| descriptor.media_type == media_type::INDEX);
        match self.store() {
            Store::Containerd => ship.whole(&[images, indexes].concat()).await,
            Store::Classic => ship.in_parts(&images, &indexes).await,
        }
    }
}

struct Ship<'a> {
    engine: &'a Engine,
    layout: &'a Layout,
    registry: &'a Registry,
    credentials: &'a Credentials,
    retried: &'a (dyn Fn(&EngineError) + Sync),
}

type Tag<'a> = (&'a str, &'a Descriptor);

impl Ship<'_> {
    async fn whole(&self, tags: &[Tag<'_>]) -> Result<Shipped, ShipError> {
        let mut old = BTreeSet::new();
        for (tag, descriptor) in tags {
            if self.registry.head_manifest(tag).await? == Some(descriptor.digest) {
                old.insert(*tag);
            }
        }
        let moving: Vec<Tag<'_>> = tags.iter().filter(|(tag, _)| !old.contains(tag)).copied().collect();
        let before = self.load(&moving).await?;
        let result = self.push_whole(tags, &old).await;
        self.clean(&moving, &before).await;
        result
    }

    async fn push_whole(&self, tags: &[Tag<'_>], old: &BTreeSet<&str>) -> Result<Shipped, ShipError> {
        let mut shipped = Shipped::default();
        for (tag, descriptor) in tags {
            let moved = !old.contains(tag);
            if moved {
                self.through_engine(tag).await?;
                self.assert_arrived(tag, descriptor.digest).await?;
            }
            shipped.add(tag, descriptor.digest, moved, descriptor.digest);
        }
        Ok(shipped)
    }

    async fn in_parts(&self, images: &[Tag<'_>], indexes: &[Tag<'_>]) -> Result<Shipped, ShipError> {
        let mut shipped = Shipped::default();
        // The digest at the registry of each image of the layout.
        let mut there = BTreeMap::new();
        for (tag, descriptor) in images {
            let old = self.registry.head_manifest(tag).await?;
            let before = self.load(&[(tag, descriptor)]).await?;
            let result = self.through_engine(tag).await;
            self.clean(&[(tag, descriptor)], &before).await;
            result?;
            let digest =
                self.registry.head_manifest(tag).await?.ok_or_else(|| self.untrue(tag, "nothing"))?;
            there.entry(descriptor.digest).or_insert(digest);
            shipped.add(tag, digest, old != Some(digest), descriptor.digest);
        }
        for (tag, descriptor) in indexes {
            let tagged = self.join(tag, descriptor, &there).await?;
            shipped.add(tag, tagged.digest, tagged.moved, descriptor.digest);
        }
        Ok(shipped)
    }

    /// Puts an index over what the registry has instead of the layout's images.
    async fn join(
        &self,
        tag: &str,
        descriptor: &Descriptor,
        there: &BTreeMap<Digest, Digest>,
    ) -> Result<Tagged, ShipError> {
        let index: Index = self.layout.json(descriptor)?;
        let (mut alone, mut names) = (Vec::new(), Vec::new());
        // Such a store changes digests, and keeps no statements: there is nothing that they are about.
        for image in index.manifests.into_iter().filter(|image| !image.is_attestation()) {
            names.push(there.get(&image.digest).unwrap_or(&image.digest).to_string());
            if !there.contains_key(&image.digest) {
                alone.push(Push { tag: None, descriptor: image, fixed: false });
            }
        }
        push_directly(self.layout, &alone, &[], self.registry, Mode::Push, &Silent).await?;
        let joined = self.registry.join(&names, index.annotations).await?;
        Ok(self.registry.set_tag(tag, joined.descriptor(), joined.bytes()).await?)
    }

    /// Loads what is to be pushed; gives the tags that the engine had before.
    async fn load(&self, tags: &[Tag<'_>]) -> Result<BTreeSet<String>, ShipError> {
        let repository = self.registry.repository();
        let mut before = BTreeSet::new();
        for (tag, _) in tags {
            if self.engine.has(repository, tag).await {
                before.insert((*tag).to_owned());
            }
        }
        let named = |(tag, descriptor): &Tag<'_>| Named {
            repository: repository.to_string(),
            tag: (*tag).to_owned(),
            descriptor: (*descriptor).clone(),
        };
        let images: Vec<Named> = tags.iter().map(named).collect();
        if !images.is_empty() {
            self.engine.load(self.layout, &images, &|_| ()).await?;
        }
        Ok(before)
    }

    /// Removes what it can: what stays behind does no harm to what was pushed, so it is no failure.
    async fn clean(&self, tags: &[Tag<'_>], before: &BTreeSet<String>) {
        for (tag, _) in tags.iter().filter(|(tag, _)| !before.contains(*tag)) {
            drop(self.engine.untag(self.registry.repository(), tag).await);
        }
    }

    /// A push that met a bad moment of the network is tried again: the engine goes on with what is missing.
    async fn through_engine(&self, tag: &str) -> Result<(), ShipError> {
        let repository = self.registry.repository();
        let mut tries = 1;
        loop {
            match self.engine.push(repository, tag, self.credentials).await {
                Ok(()) => return Ok(()),
                Err(error) if tries < TRIES && error.is_transient() => {
                    (self.retried)(&error);
                    tokio::time::sleep(PAUSE * tries).await;
                    tries += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// An engine that holds an index only in part pushes that part, and reports success.
    async fn assert_arrived(&self, tag: &str, expected: Digest) -> Result<(), ShipError> {
        match self.registry.head_manifest(tag).await? {
            Some(digest) if digest == expected => {}
            Some(digest) => return Err(self.untrue(tag, &digest.to_string()).into()),
            None => return Err(self.untrue(tag, "nothing").into()),
        }
        match self.registry.inspect(tag).await?.problems.first() {
            None => Ok(()),
            Some(problem) => Err(self.untrue(tag, &format!("less than all: {problem}")).into()),
        }
    }

    fn untrue(&self, tag: &str, found: &str) -> EngineError {
        let (repository, engine) = (self.registry.repository(), self.engine.name());
        let reason = Reason::Untrue(format!("the registry has {found}"));
        EngineError::new(format!("push {repository}:{tag} through {engine}"), reason)
    }
}

impl Shipped {
    fn add(&mut self, tag: &str, digest: Digest, moved: bool, local: Digest) {
        if digest != local {
            self.changed.insert(tag.to_owned());
        }
        self.tags.push(Tagged { tag: tag.to_owned(), digest, moved });
    }
}
