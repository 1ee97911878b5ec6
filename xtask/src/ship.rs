//! Where built images leave the machine to: a registry, directly or through a Docker engine, or the engine itself.

mod digests;
#[cfg(feature = "full")]
mod engine;
mod progress;
mod registry;

use std::path::Path;

use anyhow::Context as _;
use digest::Digest;
use oci::spec::Descriptor;
use publish::credentials::{self, Credentials};
#[cfg(feature = "full")]
use publish::engine::Engine;
use publish::layout::{Layout, LayoutWriter};
use publish::registry::{Access, Mode, Options, Push, Registry, Repository};
use serde::Serialize;
use tokio::runtime::Runtime;

pub(crate) use digests::Digests;

use crate::cli::{RegistryArgs, ShipArgs};
use crate::ui::{self, Ui, size};
use base::count;
use builder::build::Built;
use builder::images::Order;
use builder::plan::Plan;
use builder::tags;

/// A tag at the registry, and what it points to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Shipped {
    /// `docker.io/aptman/qus:latest`
    pub(crate) reference: String,
    pub(crate) digest: String,
    /// Whether it pointed elsewhere before.
    pub(crate) moved: bool,
}

impl Shipped {
    pub(crate) fn new(repository: &Repository, tag: &str, digest: Digest, moved: bool) -> Shipped {
        Shipped { reference: format!("{repository}:{tag}"), digest: digest.to_string(), moved }
    }
}

/// Where images go, reached before they are built: what a registry or an engine refuses, it refuses before minutes of work.
pub(crate) struct Shipping {
    runtime: Runtime,
    repository: Repository,
    digests: Digests,
    /// Loads into this.
    #[cfg(feature = "full")]
    load: Option<Engine>,
    push: Option<Destination>,
    versioned_only: bool,
}

/// Where a push goes.
struct Destination {
    registry: Registry,
    mode: Mode,
    /// Through this engine, which gets the credentials.
    #[cfg(feature = "full")]
    through: Option<(Engine, Credentials)>,
}

impl Shipping {
    /// Reaches what `args` ask for. A dry run changes nothing anywhere: it loads nothing, and asks the registry alone.
    pub(crate) fn prepare(
        args: &ShipArgs,
        dry_run: bool,
        plan: &Plan,
        repository: &str,
        ui: &Ui,
    ) -> anyhow::Result<Shipping> {
        let repository: Repository = repository.parse()?;
        let digests = if dry_run { Digests::default() } else { Digests::of(&args.registry)? };
        let runtime = Runtime::new()?;
        #[cfg(feature = "full")]
        let load = (args.load && !dry_run)
            .then(|| runtime.block_on(engine::find("--archive FILE needs no engine")))
            .transpose()?;
        let reach = || runtime.block_on(Destination::reach(args, dry_run, plan, &repository, ui));
        let push = args.push.then(reach).transpose()?;
        Ok(Shipping {
            runtime,
            repository,
            digests,
            #[cfg(feature = "full")]
            load,
            push,
            versioned_only: args.versioned_only,
        })
    }

    /// Loads and pushes what was built. `partial`: only some hosts were built, so that no index may be moved. `official`: the
    /// repository of images.toml.
    pub(crate) fn run(
        self,
        built: &Built,
        order: &Order<'_>,
        official: &str,
        partial: bool,
        ui: &Ui,
    ) -> anyhow::Result<Vec<Shipped>> {
        let layout = Layout::open(order.output)?;
        #[cfg(feature = "full")]
        if let Some(engine) = &self.load {
            self.runtime.block_on(engine::load(engine, &layout, built, &self.repository, ui))?;
        }
        let Some(destination) = &self.push else {
            // Of what was built, since nothing is pushed.
            let tag =
                |(tag, to): (String, Descriptor)| Shipped::new(&self.repository, &tag, to.digest, false);
            self.digests.write(&built.refs().into_iter().map(tag).collect::<Vec<_>>())?;
            return Ok(Vec::new());
        };
        let tags = tags::plan(built, &LayoutWriter::create(layout.path())?, partial, self.versioned_only)?;
        let step = ui.moment(format!("pushing {} to {}", count(tags.len(), "tag", "tags"), self.repository));
        let from = mountable(&self.repository, official);
        let shipped = self.runtime.block_on(destination.push(&layout, &tags, &from, ui))?;
        drop(step);
        self.digests.write(&shipped)?;
        Ok(shipped)
    }
}

impl Destination {
    #[cfg_attr(not(feature = "full"), allow(unused_variables, reason = "only an engine depends on the plan"))]
    async fn reach(
        args: &ShipArgs,
        dry_run: bool,
        plan: &Plan,
        repository: &Repository,
        ui: &Ui,
    ) -> anyhow::Result<Destination> {
        let _step = ui.moment(format!("asking {repository} whether a push is possible"));
        let registry = connect(repository, &args.registry, Access::Push).await?;
        let mode = match dry_run {
            true => {
                // A dry run begins no upload, and so learns of credentials only what reading tells.
                registry.head_manifest("latest").await?;
                Mode::DryRun
            }
            false => {
                registry.check_push().await?;
                Mode::Push
            }
        };
        #[cfg(feature = "full")]
        let through = match engine::choose(args, dry_run, plan, ui).await? {
            Some(engine) => Some((engine, credentials(repository).await?)),
            None => None,
        };
        Ok(Destination {
            registry,
            mode,
            #[cfg(feature = "full")]
            through,
        })
    }

    /// Pushes `tags`; blobs may be mounted `from` other repositories at the registry.
    async fn push(
        &self,
        layout: &Layout,
        tags: &[Push],
        from: &[String],
        ui: &Ui,
    ) -> anyhow::Result<Vec<Shipped>> {
        #[cfg(feature = "full")]
        if let Some((engine, credentials)) = &self.through {
            return engine::push(engine, layout, tags, &self.registry, credentials, ui).await;
        }
        registry::push(layout, tags, from, &self.registry, self.mode, ui).await
    }
}

/// The repositories at the same registry that blobs may be mounted from instead of being sent.
fn mountable(repository: &Repository, official: &str) -> Vec<String> {
    let official: Option<Repository> = official.parse().ok();
    let elsewhere = |other: &Repository| other.registry() == repository.registry() && other != repository;
    official.filter(elsewhere).map(|other| other.path().to_owned()).into_iter().collect()
}

async fn credentials(repository: &Repository) -> anyhow::Result<Credentials> {
    let sources = credentials::Sources::from_environment(|name| std::env::var_os(name))?;
    Ok(sources.find(repository.registry(), repository.path()).await?)
}

/// Reaches the registry of `repository`, as the user's options say.
pub(crate) async fn connect(
    repository: &Repository,
    args: &RegistryArgs,
    access: Access,
) -> anyhow::Result<Registry> {
    let mut authorities = Vec::new();
    for path in &args.registry_ca {
        authorities.push(std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    let options = Options { insecure: args.insecure_registry, authorities, ..Options::default() };
    Ok(Registry::connect(repository.clone(), access, credentials(repository).await?, options).await?)
}

/// `cargo xtask verify REFERENCE`.
pub(crate) fn verify(
    reference: &publish::registry::Reference,
    args: &RegistryArgs,
    ui: &Ui,
) -> anyhow::Result<Vec<String>> {
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let registry = connect(reference.repository(), args, Access::Pull).await?;
        let step = ui.step(format!("verifying {reference}"));
        let look = registry.look(&reference.name()).await?;
        drop(step);
        if look.problems.is_empty() {
            ui::print(&format!(
                "{reference}: {}, {}, {} images and blobs ({}): all there\n",
                look.descriptor.digest,
                count(look.platforms.len(), "platform", "platforms"),
                look.blobs,
                size(look.size),
            ))?;
        }
        Ok(look.problems.iter().map(ToString::to_string).collect())
    })
}

/// Copies what `reference` names into a layout at `to`, for `verify --deep`.
pub(crate) fn pull(
    reference: &publish::registry::Reference,
    args: &RegistryArgs,
    to: &Path,
    ui: &Ui,
) -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let registry = connect(reference.repository(), args, Access::Pull).await?;
        let _step = ui.step(format!("downloading {reference}"));
        let layout = LayoutWriter::create(to)?;
        let name = reference.name();
        let descriptor = registry.pull(&name, &layout).await?;
        layout.finish(&reference.repository().to_string(), &[(name, descriptor)])?;
        Ok(())
    })
}
