//! `cargo xtask sign`, and what `verify --key` asks for: signatures beside images at a registry.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use builder::Config;
use publish::layout::Layout;
use publish::registry::{Access, Mode, Reference, Repository};
use serde::Serialize;
use sign::{Key, PublicKey, Signed, Signer};

use crate::cli::VerifyArgs;
use crate::cli::full::SignArgs;
use crate::context;
use base::{Hinted, count};
use ui::{Stdout, Ui};

/// An image with its signatures, for scripts.
#[derive(Serialize)]
struct Row {
    image: String,
    signatures: String,
    new: bool,
}

pub(crate) fn run(args: &SignArgs, ui: &Ui) -> anyhow::Result<()> {
    let key = sign::read(&args.key, Key::parse)?;
    let stdout = Stdout::claim(args.json.then_some("--json"), &[])?;
    let mut rows = Vec::new();
    for (repository, names) in images(args)? {
        let signed = sign(&repository, &names, &key, args, ui)?;
        let new = signed.iter().filter(|image| image.is_new).count();
        let (old, would) = (signed.len() - new, if args.dry_run { "would be signed" } else { "signed" });
        ui.note(format!(
            "{repository}: {} {would}, {old} had this key's signature",
            count(new, "image", "images"),
        ));
        rows.extend(signed.into_iter().map(|image| Row {
            image: format!("{repository}@{}", image.digest),
            signatures: format!("{repository}:{}", sign::tag(image.digest)),
            new: image.is_new,
        }));
    }
    if args.json {
        return Ok(ui::print(&(serde_json::to_string_pretty(&rows)? + "\n"))?);
    }
    for row in rows.iter().filter(|row| row.new) {
        stdout.result(&format!("{} -> {}\n", row.image, row.signatures), ui)?;
    }
    Ok(())
}

/// The images that are meant, as their registries are asked for them.
fn images(args: &SignArgs) -> anyhow::Result<BTreeMap<Repository, BTreeSet<String>>> {
    let mut images: BTreeMap<Repository, BTreeSet<String>> = BTreeMap::new();
    for what in &args.what {
        let path = Path::new(what);
        if !path.exists() {
            let reference = ship::named(what)?;
            images.entry(reference.repository().clone()).or_default().insert(reference.name());
            continue;
        }
        // What was built, whatever a tag at the registry may lead to by now.
        let layout = Layout::open(path)?;
        let digests = layout.refs().into_iter().map(|(_, root)| root.digest.to_string());
        images.entry(repository(args)?).or_default().extend(digests);
    }
    Ok(images)
}

/// The repository that a layout was pushed to.
fn repository(args: &SignArgs) -> anyhow::Result<Repository> {
    if let Some(name) = &args.repository {
        return Ok(name.parse()?);
    }
    let config = Config::load(&context::workspace()?.join("images/images.toml"))?;
    Ok(config.repository.parse()?)
}

fn sign(
    repository: &Repository,
    names: &BTreeSet<String>,
    key: &Key,
    args: &SignArgs,
    ui: &Ui,
) -> anyhow::Result<Vec<Signed>> {
    let (access, mode) = match args.dry_run {
        true => (Access::Pull, Mode::DryRun),
        false => (Access::Push, Mode::Push),
    };
    let _step = ui.step(format!("signing {} of {repository}", count(names.len(), "image", "images")));
    base::runtime()?.block_on(async {
        let registry = ship::connect(repository, &args.registry.options(), access).await?;
        let identity = args.signed_as.clone().unwrap_or_else(|| repository.to_string());
        let signer = Signer { registry: &registry, key, identity: &identity };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let digests = signer.find(&names).await?;
        anyhow::Ok(signer.sign(&digests, mode).await?)
    })
}

/// The image that `reference` names, by its digest; the problems with its signatures, if `--key` asks for one.
pub(crate) fn proven(
    reference: &Reference,
    args: &VerifyArgs,
    ui: &Ui,
) -> anyhow::Result<(Reference, Vec<String>)> {
    let Some(file) = &args.key else { return Ok((reference.clone(), Vec::new())) };
    let key = sign::read(file, PublicKey::parse)?;
    let repository = reference.repository();
    let identity = args.signed_as.clone().unwrap_or_else(|| repository.to_string());
    let step = ui.moment(format!("looking for a signature of {reference}"));
    let (digest, problems) = base::runtime()?.block_on(async {
        let registry = ship::connect(repository, &args.registry.options(), Access::Pull).await?;
        let digest = registry.root(&reference.name()).await?.digest;
        anyhow::Ok((digest, sign::verify(&registry, digest, &identity, &key).await?))
    })?;
    drop(step);
    if problems.is_empty() {
        ui.note(format!("{reference} is {digest}, signed as {identity} with the key {}", file.display()));
    }
    let pinned = format!("{repository}@{digest}").parse()?;
    Ok((pinned, problems.iter().map(ToString::to_string).collect()))
}

/// `verify --key` of a layout.
pub(crate) fn no_layout(name: &str) -> Hinted {
    let hint = "name the image there: `cargo xtask verify --key FILE docker.io/aptman/qus:latest`";
    Hinted::new(format!("{name} is a layout, and signatures are at a registry"), hint)
}
