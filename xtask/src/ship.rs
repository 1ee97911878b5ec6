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
use publish::layout::{Layout, LayoutWriter};
use publish::registry::{Access, Mode, Options, Registry, Repository};
use serde::Serialize;

pub(crate) use digests::Digests;

use crate::cli::{RegistryArgs, ShipArgs};
use crate::ui::{self, Ui, size};
use builder::build::Built;
use builder::images::Order;
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

/// Loads and pushes as asked. `partial`: only some hosts were built, so that no index may be
/// moved. `official`: the repository of images.toml.
pub(crate) fn run(
    args: &ShipArgs,
    dry_run: bool,
    built: &Built,
    order: &Order<'_>,
    official: &str,
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
        #[cfg(feature = "full")]
        if args.load && !dry_run {
            engine::load(&layout, built, &repository, ui).await?;
        }
        if !args.push {
            digests.write(&tags_built())?;
            return Ok(Vec::new());
        }
        let mode = if dry_run { Mode::DryRun } else { Mode::Push };
        let tags = tags::plan(built, &LayoutWriter::create(layout.path())?, partial, args.versioned_only)?;
        let registry = connect(&repository, &args.registry, Access::Push).await?;
        #[cfg(feature = "full")]
        if let Some(engine) = engine::choose(args, dry_run, built, ui).await? {
            let credentials = credentials(&repository).await?;
            let shipped = engine::push(&engine, &layout, &tags, &registry, &credentials, ui).await?;
            digests.write(&shipped)?;
            return Ok(shipped);
        }
        let from = mountable(&repository, official);
        let shipped = registry::push(&layout, &tags, &from, &registry, mode, ui).await?;
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
