//! The options of loads and pushes, and the registry that they reach.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Context as _;
use base::Hinted;
use builder::Statements;
use publish::credentials::{Credentials, Sources};
use publish::registry::{self, Access, Registry, Repository};
use sha256::Digest;

/// The way of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Via {
    /// A Docker engine or podman
    Engine,
    /// The registry itself, over HTTP
    Registry,
}

/// The fate of images that were built.
#[derive(Debug)]
pub struct Options {
    /// They are loaded into an engine.
    pub load: bool,
    /// They are pushed.
    pub push: bool,
    /// The way of a push that is asked for; by default the engine if it keeps digests, or else the registry.
    pub via: Option<Via>,
    /// No tag that moves is set.
    pub versioned_only: bool,
    /// Statements are pushed as referrers of their images, too.
    pub referrers: bool,
    /// The file for each tag's digest and reference.
    pub digest_file: Option<PathBuf>,
    /// The cache directory, which knows what registries were seen to have.
    pub cache_dir: PathBuf,
    /// The moment.
    pub now: SystemTime,
    /// The way to a registry.
    pub registry: RegistryOptions,
}

/// The way to a registry.
#[derive(Debug)]
pub struct RegistryOptions {
    /// Plain HTTP is allowed, too.
    pub insecure: bool,
    /// Files with certificates of authorities that are trusted besides the system's.
    pub authorities: Vec<PathBuf>,
    /// A push asks for every image and blob, whatever the tags point to.
    pub repair: bool,
    /// The environment's variables, which say where credentials and engines are.
    pub variable: fn(&str) -> Option<OsString>,
}

impl Options {
    /// Fails if what is asked for cannot be pushed in the way that is asked for, or has no `statements` to push.
    pub fn check(&self, statements: Statements) -> Result<(), Hinted> {
        let straight = [("--referrers", self.referrers), ("--repair", self.registry.repair)];
        if let Some((flag, _)) = straight.into_iter().find(|(_, is_given)| *is_given)
            && self.via == Some(Via::Engine)
        {
            let hint = "an engine pushes images and indexes alone: leave `--push-via engine` out";
            return Err(Hinted::new(format!("`{flag}` pushes to the registry itself"), hint));
        }
        if self.referrers && !statements.any() {
            let hint = "`--attest none`, or `attest` in images.toml, leaves them out";
            return Err(Hinted::new("`--referrers` has no statements to push", hint));
        }
        Ok(())
    }
}

/// Reaches the registry of `repository`, with the user's credentials for it.
pub async fn connect(
    repository: &Repository,
    options: &RegistryOptions,
    access: Access,
) -> anyhow::Result<Registry> {
    connect_with(repository, options, access, BTreeMap::new()).await
}

/// The same for a push; `seen` are the tags that never move and that the registry was seen to have.
pub(crate) async fn connect_with(
    repository: &Repository,
    options: &RegistryOptions,
    access: Access,
    seen: BTreeMap<String, Digest>,
) -> anyhow::Result<Registry> {
    let mut authorities = Vec::new();
    for path in &options.authorities {
        authorities.push(std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    let credentials = credentials(repository, options).await?;
    let RegistryOptions { insecure, repair, .. } = *options;
    let options = registry::Options { insecure, authorities, repair, seen, ..Default::default() };
    Ok(Registry::connect(repository.clone(), access, credentials, options).await?)
}

pub(crate) async fn credentials(
    repository: &Repository,
    options: &RegistryOptions,
) -> anyhow::Result<Credentials> {
    let sources = Sources::from_environment(options.variable)?;
    Ok(sources.find(repository.registry(), repository.path()).await?)
}
