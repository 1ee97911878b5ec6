//! `cargo xtask manifest`: joins what each host's run has pushed into the indexes, and moves the tags.

use std::collections::BTreeMap;

use anyhow::bail;
use arch::{Host, Target};
use debian::lock::Lock;
use oci::spec::{Descriptor, Index, Manifest};
use publish::registry::{Access, Registry, Repository};

use super::{Digests, Shipped, connect, tags};
use crate::build;
use crate::cli::ManifestArgs;
use crate::config::Config;
use crate::context;
use crate::packing::Form;
use crate::plan::{Content, Plan, Selection};
use crate::ui::{self, Ui};

pub(crate) fn run(args: &ManifestArgs) -> anyhow::Result<()> {
    let ui = Ui::new();
    let workspace = context::workspace()?;
    let config = Config::load(&workspace.join("images/images.toml"))?;
    let lock = Lock::load(&context::lock_path(&workspace))?;
    let compression = args.compression.unwrap_or(config.compression);
    let plan = Plan::new(&config.hosts, &Selection { compression, ..Selection::default() }, &lock)?;
    let repository: Repository = args.repository.as_deref().unwrap_or(&config.repository).parse()?;
    let digests = Digests::of(&args.registry)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let shipped = runtime.block_on(async {
        let access = if args.dry_run { Access::Pull } else { Access::Push };
        let registry = connect(&repository, &args.registry, access).await?;
        let step = ui.step(format!("looking at {repository}"));
        let found = find(&plan, &lock, &registry).await?;
        drop(step);
        join(&plan, &lock, &found, &registry, args.dry_run).await
    })?;
    digests.write(&shipped)?;
    if args.json {
        return Ok(ui::print(&(serde_json::to_string_pretty(&shipped)? + "\n"))?);
    }
    let moved: Vec<&Shipped> = shipped.iter().filter(|tag| tag.moved).collect();
    for tag in &moved {
        ui::print(&format!("{} -> {}\n", tag.reference, tag.digest))?;
    }
    let would = if args.dry_run { "would be " } else { "" };
    ui.note(match moved.len() {
        0 => format!("{repository} has everything already: no tag moves"),
        count => format!("{count} of {} tags {would}moved", shipped.len()),
    });
    Ok(())
}

/// The images at the registry, by content and form, in the order of hosts.
type Found = BTreeMap<(Content, Form), Vec<Descriptor>>;

/// Finds every image of the plan; all that is missing or from another lock is named together.
async fn find(plan: &Plan, lock: &Lock, registry: &Registry) -> anyhow::Result<Found> {
    let mut problems = Vec::new();
    let mut found = Found::new();
    let mut singles: BTreeMap<Host, BTreeMap<(Target, Form), Descriptor>> = BTreeMap::new();
    for host in plan.hosts().into_iter().filter(|host| host.triple().is_some()) {
        let tag = tags::host_tag(host, plan.versions.get(&host).map_or("", String::as_str));
        match registry.manifest(&tag).await? {
            None => problems.push(format!("{host}: there is no `{tag}`")),
            Some(fetched) => {
                let index: Index = serde_json::from_slice(&fetched.bytes)?;
                let by_target = index.manifests.into_iter().filter_map(|descriptor| {
                    let target = tags::target_of(&descriptor)?;
                    let form = if descriptor.is_zstd() { Form::Zstd } else { Form::Gzip };
                    let platform = Some(host.platform().into());
                    let descriptor = Descriptor { platform, annotations: BTreeMap::new(), ..descriptor };
                    Some(((target, form), descriptor))
                });
                singles.insert(host, by_target.collect());
            }
        }
    }
    for image in &plan.images {
        let host = image.host;
        let (what, descriptor) = match image.content {
            Content::Kind(_) => {
                let tag = &image.tags[0];
                match registry.manifest(tag).await? {
                    None => {
                        problems.push(format!("{host}: there is no `{tag}`"));
                        continue;
                    }
                    Some(fetched) => {
                        let manifest: Manifest = serde_json::from_slice(&fetched.bytes)?;
                        let inputs = manifest.annotations.get(&build::inputs_key());
                        if inputs != Some(&build::inputs(host, lock).to_string()) {
                            problems.push(format!("{host}: `{tag}` was built from another lock"));
                        }
                        (tag.clone(), fetched.descriptor)
                    }
                }
            }
            Content::Single(target) => {
                // A host whose index is missing was named above.
                let Some(targets) = singles.get(&host) else { continue };
                match targets.get(&(target, image.form)) {
                    Some(descriptor) => (target.to_string(), descriptor.clone()),
                    None => {
                        let form = image.form.name();
                        problems.push(format!("{host}: its index of targets has no `{target}` in {form}"));
                        continue;
                    }
                }
            }
        };
        if matches!(image.content, Content::Single(_))
            && registry.head_manifest(&descriptor.digest.to_string()).await?.is_none()
        {
            problems.push(format!("{host}: the image of `{what}` ({}) is gone", descriptor.digest));
        }
        let descriptor = Descriptor { platform: Some(host.platform().into()), ..descriptor }
            .with_zstd(image.form == Form::Zstd);
        found.entry((image.content, image.form)).or_default().push(descriptor);
    }
    if problems.is_empty() {
        return Ok(found);
    }
    let repository = registry.repository();
    let list = problems.join("\n  ");
    let hosts: Vec<String> = plan.hosts().iter().map(ToString::to_string).collect();
    let hint = format!(
        "push every host ({}) from this lock first: cargo xtask images --push --host HOST",
        hosts.join(", ")
    );
    let hinted = crate::error::Hinted::new(format!("cannot join {repository}:\n  {list}"), hint);
    bail!(hinted)
}

/// Puts the indexes by digest, then the tags that name a version, then those that move.
async fn join(
    plan: &Plan,
    lock: &Lock,
    found: &Found,
    registry: &Registry,
    dry_run: bool,
) -> anyhow::Result<Vec<Shipped>> {
    let mut indexes = Vec::new();
    for index_plan in &plan.indexes {
        let forms = index_plan.forms.iter();
        let images = forms.filter_map(|form| found.get(&(index_plan.content, *form))).flatten().cloned();
        indexes.push((index_plan, build::index(plan, index_plan, images, lock)?));
    }
    let versioned = indexes.iter().map(|(plan, index)| (plan.version_tag(), index));
    let moving = indexes.iter().map(|(plan, index)| (plan.moving_tag(), index));
    let mut shipped = Vec::new();
    for (tag, index) in versioned.chain(moving) {
        let moved = match dry_run {
            true => registry.head_manifest(tag).await? != Some(index.digest()),
            false => {
                let tagged = registry.put_index(index, &[tag.to_owned()]).await?;
                tagged.iter().any(|tag| tag.moved)
            }
        };
        shipped.push(Shipped::new(registry.repository(), tag, index.digest(), moved));
    }
    Ok(shipped)
}
