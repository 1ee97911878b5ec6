//! Through a Docker engine or podman.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use oci::IndexBuilder;
use oci::spec::Descriptor;
use publish::archive::Named;
use publish::credentials::Credentials;
use publish::engine::{Engine, Store};
use publish::layout::Layout;
use publish::registry::{Mode, Push, Registry, Repository};

use super::Shipped;
use crate::build::{Built, BuiltImage};
use crate::plan::Content;
use crate::ui::Ui;

/// Loads what was built: indexes where the store holds them, or else each host's own images.
pub(super) async fn load(
    engine: &Engine,
    layout: &Layout,
    built: &Built,
    repository: &Repository,
    ui: &Ui,
) -> anyhow::Result<()> {
    let indexes = built
        .indexes
        .iter()
        .flat_map(|index| index.plan.tags.iter().map(|tag| named(repository, tag, &index.descriptor)));
    // A classic store keeps one platform: an index that lacks the engine's own has nothing for it.
    let fits = |descriptor: &Descriptor| {
        engine.store() == Store::Containerd
            || layout.json::<oci::spec::Index>(descriptor).is_ok_and(|index| {
                index.manifests.iter().any(|image| {
                    image
                        .platform
                        .as_ref()
                        .is_some_and(|platform| platform.architecture == engine.platform().architecture)
                })
            })
    };
    let mut images: Vec<Named> = indexes.filter(|index| fits(&index.descriptor)).collect();
    if images.is_empty() {
        images = per_host(built, repository);
    }
    let tags: Vec<&str> = images.iter().map(|image| image.tag.as_str()).collect();
    let step = ui.step(format!("loading {} tags into {}", tags.len(), engine.name()));
    engine.load(layout, &images, &|sent| step.at(sent)).await?;
    drop(step);
    ui.note(format!("{} has {repository}:{{{}}}", engine.name(), tags.join(",")));
    Ok(())
}

fn named(repository: &Repository, tag: &str, descriptor: &Descriptor) -> Named {
    Named { repository: repository.to_string(), tag: tag.to_owned(), descriptor: descriptor.clone() }
}

fn per_host(built: &Built, repository: &Repository) -> Vec<Named> {
    let named = |image: &BuiltImage| {
        let descriptor = image.descriptor.clone();
        image.plan.tags.iter().map(|tag| named(repository, tag, &descriptor)).collect::<Vec<_>>()
    };
    built.images.iter().flat_map(named).collect()
}

/// Pushes through the engine. Only containerd's store leaves digests alone; with any other, the images' digests at the
/// registry are the engine's, and the indexes over them are put to the registry directly.
#[allow(clippy::too_many_arguments, reason = "one call, from one place; a struct would only rename them")]
pub(super) async fn push(
    engine: &Engine,
    layout: &Layout,
    built: &Built,
    pushes: &[Push],
    registry: &Registry,
    credentials: &Credentials,
    keep: bool,
    ui: &Ui,
) -> anyhow::Result<Vec<Shipped>> {
    let through = Through { engine, layout, registry, credentials, keep, ui };
    match engine.store() {
        Store::Containerd => through.unchanged(pushes).await,
        Store::Classic => through.classic(built, pushes).await,
    }
}

struct Through<'a> {
    engine: &'a Engine,
    layout: &'a Layout,
    registry: &'a Registry,
    credentials: &'a Credentials,
    /// The images stay in the engine, because the user asked to load them too.
    keep: bool,
    ui: &'a Ui,
}

impl Through<'_> {
    /// Every tag, in the order given, with its digest checked at the registry.
    async fn unchanged(&self, pushes: &[Push]) -> anyhow::Result<Vec<Shipped>> {
        let repository = self.registry.repository();
        // An engine holds only what can run: an index without platforms goes to the registry directly.
        let runs = |push: &&Push| !self.is_list(push);
        let images: Vec<Named> = pushes.iter().filter(runs).filter_map(|push| self.named(push)).collect();
        self.load(&images).await?;
        let mut shipped = Vec::new();
        for push in pushes {
            let Some(tag) = &push.tag else { continue };
            let before = self.registry.head_manifest(tag).await?;
            let expected = push.descriptor.digest;
            if self.is_list(push) {
                super::registry::push(
                    self.layout,
                    std::slice::from_ref(push),
                    self.registry,
                    Mode::Push,
                    self.ui,
                )
                .await?;
            } else {
                self.engine.push(repository, tag, self.credentials, &|_| {}).await?;
            }
            let after = self.registry.head_manifest(tag).await?;
            if after != Some(expected) {
                let found = after.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string());
                bail!("{repository}:{tag} should be {expected} after the push, but the registry has {found}");
            }
            shipped.push(Shipped {
                reference: format!("{repository}:{tag}"),
                digest: expected.to_string(),
                moved: before != Some(expected),
            });
        }
        self.forget(&images).await?;
        Ok(shipped)
    }

    /// Each host's images through the engine; the indexes over what the registry then has, directly.
    async fn classic(&self, built: &Built, pushes: &[Push]) -> anyhow::Result<Vec<Shipped>> {
        let repository = self.registry.repository();
        self.ui.note(format!(
            "{} compresses layers anew: digests at the registry differ from the local ones",
            self.engine.name()
        ));
        let mut shipped = Vec::new();
        let mut contents: BTreeMap<Content, Vec<Descriptor>> = BTreeMap::new();
        for image in &built.images {
            let tags: Vec<Named> =
                image.plan.tags.iter().map(|tag| named(repository, tag, &image.descriptor)).collect();
            if tags.is_empty() {
                continue;
            }
            self.load(&tags).await?;
            for Named { tag, .. } in &tags {
                let before = self.registry.head_manifest(tag).await?;
                self.engine.push(repository, tag, self.credentials, &|_| {}).await?;
                let pushed = self.registry.manifest(tag).await?;
                let mut descriptor = pushed
                    .with_context(|| format!("{repository}:{tag} is not there after the push"))?
                    .descriptor;
                shipped.push(Shipped {
                    reference: format!("{repository}:{tag}"),
                    digest: descriptor.digest.to_string(),
                    moved: before != Some(descriptor.digest),
                });
                descriptor.platform.clone_from(&image.descriptor.platform);
                let images = contents.entry(image.plan.content).or_default();
                if !images.contains(&descriptor) {
                    images.push(descriptor);
                }
            }
            self.forget(&tags).await?;
        }
        // Which tags move, and in which order, is the same as ever; only what they point to is the engine's.
        let mut direct = Vec::new();
        for push in pushes {
            let Some(tag) = &push.tag else { continue };
            let index = built.indexes.iter().find(|index| index.plan.tags.contains(tag));
            let images = index.and_then(|index| contents.get(&index.plan.content));
            let Some(images) = images else {
                // Single-target images have no tags to go through an engine under.
                if built.images.iter().all(|image| !image.plan.tags.contains(tag)) {
                    direct.push(push.clone());
                }
                continue;
            };
            let mut list = IndexBuilder::default();
            for image in images {
                list.add_descriptor(image.clone())?;
            }
            let blob = list.build();
            let moved = self.registry.head_manifest(tag).await? != Some(blob.digest());
            if moved {
                self.registry.put_manifest(tag, blob.descriptor(), blob.bytes().to_vec()).await?;
            }
            let (reference, digest) = (format!("{repository}:{tag}"), blob.digest().to_string());
            shipped.push(Shipped { reference, digest, moved });
        }
        if !direct.is_empty() {
            self.ui.note("single-target images go to the registry directly");
            let rest =
                super::registry::push(self.layout, &direct, self.registry, Mode::Push, self.ui).await?;
            shipped.extend(rest);
        }
        Ok(shipped)
    }

    async fn load(&self, images: &[Named]) -> anyhow::Result<()> {
        let what = match images {
            [image] => image.tag.clone(),
            images => format!("{} tags", images.len()),
        };
        let step = self.ui.step(format!("loading {what} into {}", self.engine.name()));
        Ok(self.engine.load(self.layout, images, &|sent| step.at(sent)).await?)
    }

    /// What was loaded only to be pushed does not stay.
    async fn forget(&self, images: &[Named]) -> anyhow::Result<()> {
        if !self.keep {
            for image in images {
                self.engine.untag(self.registry.repository(), &image.tag).await?;
            }
        }
        Ok(())
    }

    fn named(&self, push: &Push) -> Option<Named> {
        push.tag.as_ref().map(|tag| named(self.registry.repository(), tag, &push.descriptor))
    }

    /// Whether it is an index that names no platform: a list of images, for `cargo xtask manifest`.
    fn is_list(&self, push: &Push) -> bool {
        self.layout
            .json::<oci::spec::Index>(&push.descriptor)
            .is_ok_and(|index| index.manifests.iter().all(|image| image.platform.is_none()))
    }
}
