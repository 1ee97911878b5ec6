//! Through a Docker engine or podman.

use std::collections::BTreeSet;
use std::sync::Mutex;

use base::Hint as _;
use oci::spec::Descriptor;
use publish::archive::Named;
use publish::credentials::Credentials;
use publish::engine::{Engine, EngineError, Reason, Store};
use publish::layout::Layout;
use publish::registry::{Mode, Push, Registry, Repository};

use base::{Hinted, count};
use builder::build::{Built, BuiltImage};
use builder::packing::Form;
use builder::plan::Plan;
use debian::Progress;

use crate::options::{Options, Via};
use crate::shipped::Shipped;

/// The engine to push through, or `None` for the registry; says which and why.
pub(crate) async fn choose(
    options: &Options,
    dry_run: bool,
    plan: &Plan,
    progress: &dyn Progress,
) -> anyhow::Result<Option<Engine>> {
    match options.via {
        // A dry run asks the registry: an engine cannot be asked what it would do.
        _ if dry_run => Ok(None),
        // An engine pushes images and indexes alone, and asks for what it likes.
        _ if options.referrers || options.registry.repair => Ok(None),
        Some(Via::Registry) => Ok(None),
        Some(Via::Engine) => {
            let engine = find(options, "--push-via registry needs no engine").await?;
            if engine.store() == Store::Classic && plan.forms().contains(&Form::Zstd) {
                let message = format!("{} has a classic store, which pushes no zstd", engine.name());
                let hint = "push to the registry directly: --push-via registry; or with --compression gzip";
                return Err(Hinted::new(message, hint).into());
            }
            progress.note(&format!("pushing through {} at {}", engine.name(), engine.endpoint()));
            Ok(Some(engine))
        }
        None => match find(options, "").await {
            Ok(engine) if engine.store() == Store::Containerd => {
                progress.note(&format!(
                    "pushing through {}: its containerd store carries an index unchanged",
                    engine.name()
                ));
                Ok(Some(engine))
            }
            Ok(engine) => {
                progress.note(&format!(
                    "pushing to the registry directly: {} has a classic store, which changes digests",
                    engine.name()
                ));
                Ok(None)
            }
            Err(_) => {
                progress.note("pushing to the registry directly: there is no engine");
                Ok(None)
            }
        },
    }
}

/// The engine that the environment, the docker context or a default socket leads to. If there is none that will do,
/// `otherwise` is what can be done without.
pub(crate) async fn find(options: &Options, otherwise: &str) -> anyhow::Result<Engine> {
    let endpoints = publish::engine::find(options.registry.variable)?;
    Engine::connect(&endpoints).await.map_err(|error| advised(error, otherwise))
}

/// `error`, whose hint also names what needs no engine.
fn advised(error: EngineError, otherwise: &str) -> anyhow::Error {
    match error.hint() {
        Some(hint) if matches!(error.reason(), Reason::None { .. } | Reason::TooOld { .. }) => {
            Hinted::new(error.to_string(), format!("{hint}; {otherwise}")).into()
        }
        _ => error.into(),
    }
}

/// Loads what was built: indexes where the store holds them, or else each host's own images.
pub(crate) async fn load(
    engine: &Engine,
    layout: &Layout,
    built: &Built,
    repository: &Repository,
    progress: &dyn Progress,
) -> anyhow::Result<()> {
    // A classic store may not read zstd; it gets what is in gzip, if anything is.
    let gzip = built.images.iter().any(|image| image.plan.form == Form::Gzip);
    let takes = |form: Form| engine.store() == Store::Containerd || !gzip || form == Form::Gzip;
    let indexes = built
        .indexes
        .iter()
        .filter(|index| takes(index.plan.forms[0]))
        .flat_map(|index| index.plan.tags().map(|tag| named(repository, tag, index.descriptor())));
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
        images = per_host(built, repository, &takes);
    }
    let tags: Vec<&str> = images.iter().map(|image| image.tag.as_str()).collect();
    let what = format!("loading {} into {}", count(tags.len(), "tag", "tags"), engine.name());
    let step = Mutex::new(progress.step(&what));
    let sent = |bytes| base::lock(&step).at(bytes);
    engine.load(layout, &images, &sent).await?;
    drop(step);
    progress.note(&format!("{} has {repository}:{{{}}}", engine.name(), tags.join(",")));
    Ok(())
}

fn named(repository: &Repository, tag: &str, descriptor: &Descriptor) -> Named {
    Named { repository: repository.to_string(), tag: tag.to_owned(), descriptor: descriptor.clone() }
}

fn per_host(built: &Built, repository: &Repository, takes: &dyn Fn(Form) -> bool) -> Vec<Named> {
    let named = |image: &BuiltImage| {
        let descriptor = image.descriptor.clone();
        image.plan.tags.iter().map(|tag| named(repository, tag, &descriptor)).collect::<Vec<_>>()
    };
    built.images.iter().filter(|image| takes(image.plan.form)).flat_map(named).collect()
}

/// Pushes through the engine, which only with containerd's store leaves digests alone.
pub(crate) async fn push(
    engine: &Engine,
    layout: &Layout,
    pushes: &[Push],
    registry: &Registry,
    credentials: &Credentials,
    progress: &dyn Progress,
) -> anyhow::Result<Vec<Shipped>> {
    let repository = registry.repository();
    let there = publish::registry::check_fixed(pushes, registry).await?;
    let Parts { there, direct, images } =
        Parts::of(pushes, &there, &|push| is_list(layout, &push.descriptor));
    let what = format!("pushing {} through {}", count(images.len(), "tag", "tags"), engine.name());
    let step = progress.step(&what);
    let retried = |error: &EngineError| progress.note(&format!("{error}; trying again"));
    let pushed = engine.ship(layout, &images, registry, credentials, &retried).await?;
    drop(step);
    if !pushed.changed.is_empty() {
        let digests = count(pushed.changed.len(), "digest", "digests");
        let differ = if pushed.changed.len() == 1 { "differs" } else { "differ" };
        progress.note(&format!(
            "{} compressed layers anew: {digests} at {repository} {differ} from what is here",
            engine.name()
        ));
    }
    let tags = pushed.tags.into_iter();
    let mut shipped: Vec<Shipped> =
        tags.map(|tag| Shipped::new(repository, &tag.tag, tag.digest, tag.moved)).collect();
    shipped.extend(there.iter().filter_map(|push| {
        push.tag.as_deref().map(|tag| Shipped::new(repository, tag, push.descriptor.digest, false))
    }));
    if !direct.is_empty() {
        shipped.extend(crate::registry::push(layout, &direct, &[], registry, Mode::Push, progress).await?);
    }
    Ok(shipped)
}

/// The parts of a push through an engine.
struct Parts {
    /// Tags that never move, and point to the right thing already. They are not asked for again.
    there: Vec<Push>,
    /// To the registry directly: an engine holds what can run, and a list of a host's single-target images names no platform. And one that
    /// compresses anew must not be what decides for good what a tag points to. Such a tag was not there before, and this push asks for
    /// it once more: the engine took minutes, in which another push may have set it, and nothing undoes that it is moved then.
    direct: Vec<Push>,
    images: Vec<Push>,
}

impl Parts {
    fn of(pushes: &[Push], there: &BTreeSet<String>, is_list: &dyn Fn(&Push) -> bool) -> Parts {
        let is_there = |push: &Push| push.fixed && push.tag.as_ref().is_some_and(|tag| there.contains(tag));
        let (there, rest): (Vec<Push>, Vec<Push>) = pushes.iter().cloned().partition(is_there);
        let (direct, images) = rest.into_iter().partition(|push| push.fixed || is_list(push));
        Parts { there, direct, images }
    }
}

/// True if it is an index whose images name no platform, or one of statements: what `cargo xtask manifest` finds a host's by.
fn is_list(layout: &Layout, descriptor: &Descriptor) -> bool {
    layout.json::<oci::spec::Index>(descriptor).is_ok_and(|index| {
        index.manifests.iter().all(|image| image.platform.is_none() || image.is_attestation())
    })
}

#[cfg(test)]
mod tests {
    use publish::engine::Endpoint;

    use super::*;

    #[test]
    fn a_tag_that_is_there_for_good_is_not_pushed_again() {
        let push = |tag: &str, fixed: bool| {
            let digest = sha256::Digest::of(tag.as_bytes());
            let descriptor = Descriptor::new(oci::spec::media_type::INDEX, digest, 1);
            Push { tag: Some(tag.to_owned()), fixed, descriptor }
        };
        let pushes =
            [push("11.1.3", true), push("11.1.3-pkg", true), push("list", false), push("latest", false)];
        let tags = |pushes: &[Push]| pushes.iter().filter_map(|push| push.tag.clone()).collect::<Vec<_>>();
        let is_list = |push: &Push| push.tag.as_deref() == Some("list");
        for (there, expected) in [
            (&[][..], [&[][..], &["11.1.3", "11.1.3-pkg", "list"], &["latest"]]),
            (&["11.1.3"], [&["11.1.3"], &["11.1.3-pkg", "list"], &["latest"]]),
            // Another tag says nothing by being there.
            (&["11.1.3", "11.1.3-pkg", "latest"], [&["11.1.3", "11.1.3-pkg"], &["list"], &["latest"]]),
        ] {
            let there = there.iter().map(|tag| (*tag).to_owned()).collect();
            let parts = Parts::of(&pushes, &there, &is_list);
            let parts = [tags(&parts.there), tags(&parts.direct), tags(&parts.images)];
            assert_eq!(parts, expected, "{there:?}");
        }
    }

    #[test]
    fn without_an_engine_the_hint_offers_what_was_asked_for() {
        let home = tempfile::tempdir().unwrap();
        let nothing = home.path().join("nothing.sock");
        let runtime = base::runtime().unwrap();
        let error = runtime.block_on(Engine::connect(&[Endpoint::Unix(nothing.clone())])).err().unwrap();
        let error = advised(error, "--archive FILE needs no engine");
        assert_eq!(
            error.to_string(),
            format!("cannot find an engine: none answers at unix://{} (no such file)", nothing.display())
        );
        let hinted: &Hinted = error.downcast_ref().unwrap();
        let expected = "start Docker or podman, or set DOCKER_HOST; --archive FILE needs no engine";
        assert_eq!(hinted.hint().as_deref(), Some(expected));
    }
}
