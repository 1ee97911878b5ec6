//! The bill of materials of an image, read from the statement beside it.

use std::path::Path;

use anyhow::Context as _;
use arch::Host;
use attest::spdx::{Document, NO_ASSERTION, Package};
use attest::statement::{self, SPDX};
use base::{Hinted, table};
use oci::spec::{Descriptor, Index, Manifest, Platform, annotation, media_type};
use publish::layout::Layout;
use publish::registry::{Reference, Registry};
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

/// The bill of materials of the image for `host` under `tag`, or `latest`, in the layout at `path`.
pub fn of_layout(path: &Path, tag: Option<&str>, host: Host) -> anyhow::Result<Document> {
    let layout = Layout::open(path)?;
    let tag = tag.unwrap_or("latest");
    let refs = layout.refs();
    let Some((_, root)) = refs.iter().find(|(name, _)| name == tag) else {
        const SHOWN: usize = 8;
        let shown: Vec<&str> = refs.iter().take(SHOWN).map(|(name, _)| name.as_str()).collect();
        let more = refs.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let hint = format!("`--tag` names one of those that are there: {}{more}", shown.join(", "));
        return Err(Hinted::new(format!("there is no tag `{tag}` in {}", path.display()), hint).into());
    };
    find(&Store::Layout(&layout), root, &format!("`{tag}` of {}", path.display()), host)
}

/// The bill of materials of the image for `host` in what `reference` names.
pub fn of_registry(
    registry: &Registry,
    reference: &Reference,
    host: Host,
    runtime: &Runtime,
) -> anyhow::Result<Document> {
    let root = runtime.block_on(registry.root(&reference.name()))?;
    find(&Store::Registry(runtime, registry), &root, &reference.to_string(), host)
}

/// A place that documents are read from; each has the digest that was asked for.
enum Store<'a> {
    Layout(&'a Layout),
    Registry(&'a Runtime, &'a Registry),
}

impl Store<'_> {
    fn read(&self, descriptor: &Descriptor) -> anyhow::Result<Vec<u8>> {
        Ok(match self {
            Store::Layout(layout) => layout.read(descriptor)?,
            Store::Registry(runtime, registry) => runtime.block_on(registry.read(descriptor))?,
        })
    }

    fn json<T: DeserializeOwned>(&self, descriptor: &Descriptor) -> anyhow::Result<T> {
        Ok(match self {
            Store::Layout(layout) => layout.json(descriptor)?,
            Store::Registry(runtime, registry) => runtime.block_on(registry.json(descriptor))?,
        })
    }
}

/// The bill of materials of the image for `host` in the index `root`, which is at `place`.
fn find(store: &Store<'_>, root: &Descriptor, place: &str, host: Host) -> anyhow::Result<Document> {
    if root.media_type != media_type::INDEX {
        let hint = "what is in it is in an index that lists it, such as `latest`: name that, and `--host`";
        return Err(Hinted::new(format!("{place} is one image, without statements"), hint).into());
    }
    let index: Index = store.json(root)?;
    let platform = Platform::from(host.platform());
    let mut images = index.manifests.iter().filter(|image| !image.is_attestation());
    let Some(image) = images.clone().find(|image| image.platform.as_ref() == Some(&platform)) else {
        let names: Vec<String> =
            images.by_ref().filter_map(|image| Some(image.platform.as_ref()?.to_string())).collect();
        let hint = format!("`--host` names another: {}", names.join(", "));
        return Err(Hinted::new(format!("{place} has no image for {host}"), hint).into());
    };
    let attestation = index.manifests.iter().find(|other| other.attests() == Some(image.digest));
    let manifest: Option<Manifest> = attestation.map(|found| store.json(found)).transpose()?;
    let is_sbom =
        |layer: &&Descriptor| layer.annotations.get(annotation::PREDICATE).is_some_and(|it| it == SPDX);
    let Some(layer) = manifest.iter().flat_map(|manifest| &manifest.layers).find(is_sbom) else {
        let hint = "it was built without: `cargo xtask images --attest sbom` makes one";
        return Err(Hinted::new(format!("{place} has no SBOM of its image for {host}"), hint).into());
    };
    statement::read(&store.read(layer)?, image.digest, SPDX)
        .with_context(|| format!("cannot use the SBOM of {place} for {host}"))
}

/// A line for each package, the image first.
pub fn table_of(document: &Document) -> String {
    let row = |package: &Package| {
        let license = package.license_declared.as_str();
        let license = if license == NO_ASSERTION { "-" } else { license };
        [kind(package), &package.name, &package.version_info, license].map(str::to_owned)
    };
    let rows = document.packages.iter().map(row);
    table(
        &[["TYPE", "NAME", "VERSION", "LICENSE"].map(str::to_owned)]
            .into_iter()
            .chain(rows)
            .collect::<Vec<_>>(),
    )
}

/// The type of a package, by its URL (purl-spec, PURL-TYPES.rst). Debian's sources have a type of their own here.
fn kind(package: &Package) -> &str {
    let purl = package.purl().unwrap_or_default();
    let kind = purl.strip_prefix("pkg:").and_then(|rest| rest.split('/').next()).unwrap_or("-");
    if kind == "deb" && purl.contains("?arch=source") { "source" } else { kind }
}
