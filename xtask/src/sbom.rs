//! `cargo xtask sbom`: what is in an image, as the statement beside it says.

use std::path::Path;

use anyhow::Context as _;
use arch::Host;
use attest::cyclonedx::Bom;
use attest::spdx::{Document, NO_ASSERTION, Package};
use attest::statement::{self, SPDX};
use oci::spec::{Descriptor, Index, Manifest, Platform, annotation, media_type};
use publish::layout::Layout;
use publish::registry::{Access, Registry};
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::cli::{Format, SbomArgs};
use crate::reference;
use base::{Hinted, count, table};
use ui::Ui;

pub(crate) fn run(args: &SbomArgs, ui: &Ui) -> anyhow::Result<()> {
    let host = args.host.map_or_else(Host::native, Ok)?;
    let path = Path::new(&args.what);
    // As with `verify`, a folder that is there is meant.
    let document = match path.exists() {
        true => of_layout(path, args, host)?,
        false => of_registry(args, host, ui)?,
    };
    ui::print(&match args.format {
        Format::Table => listed(&document),
        Format::Spdx => serde_json::to_string_pretty(&document)? + "\n",
        Format::Cyclonedx => serde_json::to_string_pretty(&Bom::of(&document))? + "\n",
    })?;
    let packages = count(document.packages.len(), "package", "packages");
    let files = count(document.files.len(), "file", "files");
    ui.note(format!("{}: {packages}, {files}", document.name));
    Ok(())
}

fn of_layout(path: &Path, args: &SbomArgs, host: Host) -> anyhow::Result<Document> {
    let layout = Layout::open(path)?;
    let tag = args.tag.as_deref().unwrap_or("latest");
    let refs = layout.refs();
    let Some((_, root)) = refs.iter().find(|(name, _)| name == tag) else {
        const SHOWN: usize = 8;
        let shown: Vec<&str> = refs.iter().take(SHOWN).map(|(name, _)| name.as_str()).collect();
        let more = refs.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let hint = format!("`--tag` names one of those that are there: {}{more}", shown.join(", "));
        return Err(Hinted::new(format!("there is no tag `{tag}` in {}", args.what), hint).into());
    };
    find(&Store::Layout(&layout), root, &format!("`{tag}` of {}", args.what), host)
}

fn of_registry(args: &SbomArgs, host: Host, ui: &Ui) -> anyhow::Result<Document> {
    let reference = reference::named(&args.what)?;
    if args.tag.is_some() {
        let hint = format!("name it with the image: {}:TAG", reference.repository());
        return Err(Hinted::new("`--tag` is for layouts", hint).into());
    }
    let _step = ui.moment(format!("reading {reference}"));
    let runtime = base::runtime()?;
    let registry =
        runtime.block_on(ship::connect(reference.repository(), &args.registry.options(), Access::Pull))?;
    let root = runtime.block_on(registry.root(&reference.name()))?;
    find(&Store::Registry(runtime, &registry), &root, &reference.to_string(), host)
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

/// One line for each package, the image first.
fn listed(document: &Document) -> String {
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
