//! Where built images leave the machine to: a registry, directly or through a Docker engine, or the engine itself.

mod digests;
mod engine;
mod join;
mod progress;
mod registry;
mod tags;

use std::path::Path;

use anyhow::Context as _;
use digest::Digest;
use digests::Digests;
use oci::spec::Descriptor;
use publish::credentials::{self, Credentials};
use publish::engine::{Engine, Store};
use publish::layout::{Layout, LayoutWriter};
use publish::registry::{Access, Mode, Options, Registry, Repository};
use serde::Serialize;

pub(crate) use join::run as join;

use crate::build::Built;
use crate::cli::{RegistryArgs, ShipArgs, Via};
use crate::error::Hinted;
use crate::images::Order;
use crate::packing::Form;
use crate::ui::{self, Ui, size};

/// A tag at the registry, and what it points to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Shipped {
    /// `docker.io/aptman/qus:latest`
    reference: String,
    digest: String,
    /// Whether it pointed elsewhere before.
    moved: bool,
}

impl Shipped {
    fn new(repository: &Repository, tag: &str, digest: Digest, moved: bool) -> Shipped {
        Shipped { reference: format!("{repository}:{tag}"), digest: digest.to_string(), moved }
    }
}

/// Loads and pushes as asked. `partial`: only some hosts were built, so that no index may be moved.
pub(crate) fn run(
    args: &ShipArgs,
    dry_run: bool,
    built: &Built,
    order: &Order<'_>,
    partial: bool,
    ui: &Ui,
) -> anyhow::Result<Vec<Shipped>> {
    let repository: Repository = order.repository.parse()?;
    let digests = Digests::of(&args.registry)?;
    let tag = |(tag, to): (String, Descriptor)| Shipped::new(&repository, &tag, to.digest, false);
    let tags_built = || built.refs().into_iter().map(tag).collect::<Vec<_>>();
    if !args.load && !args.push {
        digests.write(&tags_built())?;
        return Ok(Vec::new());
    }
    let layout = Layout::open(order.output)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if args.load && !dry_run {
            let engine = find_engine().await?;
            engine::load(&engine, &layout, built, &repository, ui).await?;
        }
        if !args.push {
            digests.write(&tags_built())?;
            return Ok(Vec::new());
        }
        let mode = if dry_run { Mode::DryRun } else { Mode::Push };
        let tags = tags::plan(built, &LayoutWriter::create(layout.path())?, partial, args.versioned_only)?;
        let registry = connect(&repository, &args.registry, Access::Push).await?;
        let shipped = match choose(args, dry_run, built, ui).await? {
            Some(engine) => {
                let credentials = credentials(&repository).await?;
                engine::push(&engine, &layout, &tags, &registry, &credentials, ui).await?
            }
            None => {
                let from = mountable(&repository, &order.site.config.repository);
                registry::push(&layout, &tags, &from, &registry, mode, ui).await?
            }
        };
        digests.write(&shipped)?;
        Ok(shipped)
    })
}

/// The repositories at the same registry that blobs may be mounted from instead of being sent.
fn mountable(repository: &Repository, official: &str) -> Vec<String> {
    let official: Option<Repository> = official.parse().ok();
    let elsewhere = |other: &Repository| other.registry() == repository.registry() && other != repository;
    official.filter(elsewhere).map(|other| other.path().to_owned()).into_iter().collect()
}

/// The engine to push through, or `None` for the registry; says which and why.
async fn choose(args: &ShipArgs, dry_run: bool, built: &Built, ui: &Ui) -> anyhow::Result<Option<Engine>> {
    match args.push_via {
        // A dry run asks the registry: an engine cannot be asked what it would do.
        _ if dry_run => Ok(None),
        Some(Via::Registry) => Ok(None),
        Some(Via::Engine) => {
            let engine = find_engine().await?;
            if engine.store() == Store::Classic
                && built.images.iter().any(|image| image.plan.form == Form::Zstd)
            {
                let message = format!("{} has a classic store, which pushes no zstd", engine.name());
                let hint = "push to the registry directly: --push-via registry; or with --compression gzip";
                return Err(Hinted::new(message, hint).into());
            }
            ui.note(format!("pushing through {} at {}", engine.name(), engine.endpoint()));
            Ok(Some(engine))
        }
        None => match find_engine().await {
            Ok(engine) if engine.store() == Store::Containerd => {
                ui.note(format!(
                    "pushing through {}: its containerd store carries an index unchanged",
                    engine.name()
                ));
                Ok(Some(engine))
            }
            Ok(engine) => {
                ui.note(format!(
                    "pushing to the registry directly: {} has a classic store, which changes digests",
                    engine.name()
                ));
                Ok(None)
            }
            Err(_) => {
                ui.note("pushing to the registry directly: there is no engine");
                Ok(None)
            }
        },
    }
}

async fn find_engine() -> anyhow::Result<Engine> {
    let endpoints = publish::engine::find(|name| std::env::var_os(name))?;
    Ok(Engine::connect(&endpoints).await?)
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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let registry = connect(reference.repository(), args, Access::Pull).await?;
        let step = ui.step(format!("verifying {reference}"));
        let look = registry.look(&reference.name()).await?;
        drop(step);
        if look.problems.is_empty() {
            ui::print(&format!(
                "{reference}: {}, {} platforms, {} images and blobs ({}): all there\n",
                look.descriptor.digest,
                look.platforms.len(),
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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
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
