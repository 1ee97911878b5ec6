//! The order of loads and pushes: everything is reached first, then loaded, then pushed.

use std::sync::Mutex;

use debian::Progress;
use oci::Referrer;
use oci::spec::Descriptor;
#[cfg(feature = "engine")]
use publish::credentials::Credentials;
#[cfg(feature = "engine")]
use publish::engine::Engine;
use publish::layout::{Layout, LayoutWriter};
use publish::registry::{Access, Mode, Push, Registry, Repository};
use tokio::runtime::Runtime;

use base::{count, lock};
use builder::Seen;
use builder::build::Built;
use builder::plan::Plan;
use builder::tags;

#[cfg(feature = "engine")]
use crate::engine;
#[cfg(feature = "engine")]
use crate::options::credentials;
use crate::options::{Options, connect_with};
use crate::shipped::{Digests, Shipped};
use crate::{referrers, registry};

/// The destination of images, reached before they are built: what a registry or an engine refuses, it refuses before
/// minutes of work.
pub struct Shipping {
    runtime: &'static Runtime,
    repository: Repository,
    digests: Digests,
    /// Loads into this.
    #[cfg(feature = "engine")]
    load: Option<Engine>,
    push: Option<Destination>,
    versioned_only: bool,
    referrers: bool,
    /// True when the registry has said that a push is allowed.
    allowed: Mutex<bool>,
}

/// The destination of a push.
struct Destination {
    registry: Registry,
    mode: Mode,
    seen: Seen,
    /// Through this engine, which gets the credentials.
    #[cfg(feature = "engine")]
    through: Option<(Engine, Credentials)>,
}

impl Shipping {
    /// Reaches what `options` ask for. A dry run changes nothing anywhere: it loads nothing, and asks the registry alone.
    pub fn prepare(
        options: &Options,
        dry_run: bool,
        plan: &Plan,
        repository: &str,
        progress: &dyn Progress,
    ) -> anyhow::Result<Shipping> {
        let repository: Repository = repository.parse()?;
        let digests =
            if dry_run { Digests::default() } else { Digests::begin(options.digest_file.as_deref())? };
        let runtime = base::runtime()?;
        #[cfg(feature = "engine")]
        let load = (options.load && !dry_run)
            .then(|| {
                let _step = progress.moment("looking for an engine");
                runtime.block_on(engine::find(options, "--archive FILE needs no engine"))
            })
            .transpose()?;
        let reach = || runtime.block_on(Destination::reach(options, dry_run, plan, &repository, progress));
        let push = options.push.then(reach).transpose()?;
        Ok(Shipping {
            runtime,
            repository,
            digests,
            #[cfg(feature = "engine")]
            load,
            push,
            versioned_only: options.versioned_only,
            referrers: options.referrers,
            allowed: Mutex::new(false),
        })
    }

    /// Fails if the registry does not let the credentials push. It is asked once; a push of what it has would not ask.
    pub fn check(&self) -> anyhow::Result<()> {
        let Some(Destination { registry, mode: Mode::Push, .. }) = &self.push else { return Ok(()) };
        let mut allowed = lock(&self.allowed);
        if !*allowed {
            self.runtime.block_on(registry.check_push())?;
            *allowed = true;
        }
        Ok(())
    }

    /// Loads and pushes what was built into `layout`. `partial`: only some hosts were built, so that no index may be moved. `official`: the
    /// repository of images.toml.
    pub fn run(
        mut self,
        built: &Built,
        layout: &Layout,
        official: &str,
        partial: bool,
        progress: &dyn Progress,
    ) -> anyhow::Result<Vec<Shipped>> {
        #[cfg(feature = "engine")]
        if let Some(engine) = &self.load {
            self.runtime.block_on(engine::load(engine, layout, built, &self.repository, progress))?;
        }
        let Some(destination) = &mut self.push else {
            // Of what was built, since nothing is pushed.
            let tag =
                |(tag, to): (String, Descriptor)| Shipped::new(&self.repository, &tag, to.digest, false);
            self.digests.write(&built.all_refs().into_iter().map(tag).collect::<Vec<_>>())?;
            return Ok(Vec::new());
        };
        let writer = LayoutWriter::create(layout.path())?;
        let tags = tags::plan(built, &writer, partial, self.versioned_only)?;
        let referrers = if self.referrers { referrers::make(built, layout, &writer)? } else { Vec::new() };
        let what = format!("pushing {} to {}", count(tags.len(), "tag", "tags"), self.repository);
        let step = progress.moment(&what);
        let from = mountable(&self.repository, official);
        let of_referrer = |one: &Referrer| Push { tag: None, descriptor: one.descriptor(), fixed: false };
        let pushes: Vec<Push> = referrers.iter().map(of_referrer).chain(tags).collect();
        let shipped = self.runtime.block_on(destination.push(layout, &pushes, &from, progress))?;
        if destination.mode == Mode::Push {
            destination.seen.add(&pushes);
        }
        if self.referrers {
            let list = referrers::list(&destination.registry, &referrers, destination.mode, progress);
            self.runtime.block_on(list)?;
        }
        drop(step);
        self.digests.write(&shipped)?;
        Ok(shipped)
    }
}

impl Destination {
    #[cfg_attr(
        not(feature = "engine"),
        allow(unused_variables, reason = "only an engine depends on the plan")
    )]
    async fn reach(
        options: &Options,
        dry_run: bool,
        plan: &Plan,
        repository: &Repository,
        progress: &dyn Progress,
    ) -> anyhow::Result<Destination> {
        let _step = progress.moment(&format!("asking {repository} whether a push is possible"));
        let seen = Seen::open(&options.cache_dir, &repository.to_string(), options.now)?;
        let registry = connect_with(repository, &options.registry, Access::Push, seen.tags()).await?;
        let mode = match dry_run {
            true => {
                // A dry run begins no upload, and so learns of credentials only what reading shows.
                registry.head_manifest("latest").await?;
                Mode::DryRun
            }
            false => Mode::Push,
        };
        #[cfg(feature = "engine")]
        let through = match engine::choose(options, dry_run, plan, progress).await? {
            Some(engine) => Some((engine, credentials(repository, &options.registry).await?)),
            None => None,
        };
        Ok(Destination {
            registry,
            mode,
            seen,
            #[cfg(feature = "engine")]
            through,
        })
    }

    /// Pushes `tags`; blobs may be mounted `from` other repositories at the registry.
    async fn push(
        &self,
        layout: &Layout,
        tags: &[Push],
        from: &[String],
        progress: &dyn Progress,
    ) -> anyhow::Result<Vec<Shipped>> {
        #[cfg(feature = "engine")]
        if let Some((engine, credentials)) = &self.through {
            return engine::push(engine, layout, tags, &self.registry, credentials, progress).await;
        }
        registry::push(layout, tags, from, &self.registry, self.mode, progress).await
    }
}

/// The repositories at the same registry that blobs may be mounted from instead of being sent.
fn mountable(repository: &Repository, official: &str) -> Vec<String> {
    let official: Option<Repository> = official.parse().ok();
    let elsewhere = |other: &Repository| other.registry() == repository.registry() && other != repository;
    official.filter(elsewhere).map(|other| other.path().to_owned()).into_iter().collect()
}
