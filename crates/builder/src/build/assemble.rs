//! From layers to images, and from images to the indexes that tags point to.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::Context as _;
use arch::{Host, Target};
use debian::QemuVersion;
use debian::lock::{Lock, Package};
use oci::image::Step;
use oci::spec::{Annotations, Descriptor, Execution};
use oci::{Blob, Image, ImageSpec, IndexBuilder};
use publish::layout::LayoutWriter;
use sha256::Digest;

use super::HostLayers;
use super::base::BIN_DIR;
use crate::content::Content;
use crate::packing::{Form, Level, Packing, Payload};
use crate::plan::{ImagePlan, IndexPlan, Plan};

/// The prefix of our own labels and annotations.
pub const PREFIX: &str = "io.github.dbhi.qus";
const SOURCE: &str = "https://github.com/dbhi/qus";

/// An image in the layout.
#[derive(Debug)]
pub struct BuiltImage {
    /// Its plan.
    pub plan: ImagePlan,
    /// Points to the manifest.
    pub descriptor: Descriptor,
    /// Points to the statements about it, if there are any.
    pub attestation: Option<Descriptor>,
    /// The other blobs that these lead to.
    pub blobs: Vec<Digest>,
    /// The targets in it, each with its QEMU's version.
    pub targets: BTreeMap<Target, QemuVersion>,
    /// The sizes of its layers, together, in bytes.
    pub size: u64,
    /// The same, uncompressed.
    pub unpacked_size: u64,
    /// The compression of its binaries, or of its other layers where there are none.
    pub packing: Packing,
}

/// An image that an index lists, and the statements about it.
#[derive(Debug, Clone)]
pub struct Member {
    /// Points to the image.
    pub image: Descriptor,
    /// Points to the statements.
    pub attestation: Option<Descriptor>,
}

impl BuiltImage {
    pub(super) fn member(&self) -> Member {
        Member { image: self.descriptor.clone(), attestation: self.attestation.clone() }
    }
}

/// An index over images in the layout.
#[derive(Debug, Clone)]
pub struct BuiltIndex {
    /// Its plan.
    pub plan: IndexPlan,
    /// The index.
    pub blob: Blob,
    /// The hosts that it has images for.
    pub hosts: Vec<Host>,
}

impl BuiltIndex {
    /// Points to the index.
    pub fn descriptor(&self) -> &Descriptor {
        self.blob.descriptor()
    }
}

/// Everything that a plan asked for. Images are in the layout; indexes are put there by who needs them.
#[derive(Debug)]
pub struct Built {
    /// The images, in the plan's order.
    pub images: Vec<BuiltImage>,
    /// Indexes over these images and no others, in the plan's order: what is loaded, archived and pushed.
    pub indexes: Vec<BuiltIndex>,
    /// The indexes in the layout. They may list images of other hosts, too, that were there.
    pub listed: Vec<BuiltIndex>,
}

impl Built {
    /// Every tag that a push of it would set, with what it points to.
    pub fn all_refs(&self) -> Vec<(String, Descriptor)> {
        let fixed =
            self.listed.iter().flat_map(|index| pair(index.plan.fixed_tags.iter(), index.descriptor()));
        self.refs().into_iter().chain(fixed).collect()
    }

    /// Every tag of the layout that was built, with what it points to.
    pub fn refs(&self) -> Vec<(String, Descriptor)> {
        let images = self.images.iter().flat_map(|image| pair(image.plan.tags.iter(), &image.descriptor));
        let indexes = self.listed.iter().flat_map(|index| pair(index.plan.tags(), index.descriptor()));
        images.chain(indexes).collect()
    }

    /// Every blob of the layout that was built.
    pub(crate) fn blobs(&self) -> HashSet<Digest> {
        let images = self.images.iter().flat_map(|image| {
            let roots = [&image.descriptor].into_iter().chain(&image.attestation);
            roots.map(|root| root.digest).chain(image.blobs.iter().copied())
        });
        let tagged = self.listed.iter().filter(|index| index.plan.tags().next().is_some());
        images.chain(tagged.map(|index| index.blob.digest())).collect()
    }

    /// The indexes that no tag of the layout leads to.
    pub(crate) fn loose(&self) -> HashSet<Digest> {
        let tagged: HashSet<Digest> = self.blobs();
        let built = self.indexes.iter().map(|index| index.blob.digest());
        built.filter(|digest| !tagged.contains(digest)).collect()
    }
}

fn pair<'a>(tags: impl Iterator<Item = &'a String>, descriptor: &Descriptor) -> Vec<(String, Descriptor)> {
    tags.map(|tag| (tag.clone(), descriptor.clone())).collect()
}

/// Puts the images of `plan` into the layout.
pub(super) fn images(
    plan: &Plan,
    layers: &BTreeMap<(Host, Form), HostLayers>,
    lock: &Lock,
    level: Level,
    layout: &LayoutWriter,
    jobs: usize,
) -> anyhow::Result<Vec<BuiltImage>> {
    ::base::pool(jobs, &plan.images, |image_plan| {
        let host_layers =
            layers.get(&(image_plan.host, image_plan.form)).context("every host of a plan has layers")?;
        let image = image(image_plan, host_layers, lock)?;
        layout.put(&image.config)?;
        layout.put(&image.manifest)?;
        Ok(BuiltImage {
            plan: image_plan.clone(),
            descriptor: image.descriptor(),
            attestation: None,
            blobs: image
                .layers
                .iter()
                .map(|layer| layer.descriptor.digest)
                .chain([image.config.digest()])
                .collect(),
            targets: versions(image_plan, lock),
            size: image.layers.iter().map(|layer| layer.descriptor.size).sum(),
            unpacked_size: image.layers.iter().map(|layer| layer.unpacked_size).sum(),
            packing: packing(image_plan, level),
        })
    })
}

/// The indexes of `plan` over `images`.
pub(super) fn indexes(plan: &Plan, images: &[BuiltImage]) -> anyhow::Result<Vec<BuiltIndex>> {
    let mut indexes = Vec::new();
    for index_plan in &plan.indexes {
        // Images are built in the plan's order.
        let members: Vec<&BuiltImage> =
            plan.listed(index_plan).into_iter().filter_map(|place| images.get(place)).collect();
        let blob = index(plan, index_plan, members.iter().map(|image| image.member()))?;
        let listed: BTreeSet<Host> = members.iter().map(|image| image.plan.host).collect();
        indexes.push(BuiltIndex {
            plan: index_plan.clone(),
            blob,
            hosts: plan.hosts().into_iter().filter(|host| listed.contains(host)).collect(),
        });
    }
    Ok(indexes)
}

/// The compression of the binaries in an image, or of the rest where there are none.
fn packing(plan: &ImagePlan, level: Level) -> Packing {
    let payload = match (plan.content.has_qemu(), plan.content.target()) {
        (false, _) => Payload::Base,
        (true, None) => Payload::All,
        (true, Some(_)) => Payload::One,
    };
    Packing { form: plan.form, level, payload }
}

/// The index of one content over the images that have it, whether they are here or at a registry.
pub fn index(
    plan: &Plan,
    index_plan: &IndexPlan,
    images: impl IntoIterator<Item = Member>,
) -> anyhow::Result<Blob> {
    let listed = plan.listed(index_plan).into_iter().map(|place| &plan.images[place]);
    let dates = listed.filter_map(|image| plan.lock(image).date(image.host));
    let created = dates.max().unwrap_or_default();
    let mut index = IndexBuilder::new(about(index_plan.content, index_plan.version, created)?);
    // As BuildKit does it: images first, then what is said about them.
    let mut attestations = Vec::new();
    for Member { image, attestation } in images {
        index.add_descriptor(image)?;
        attestations.extend(attestation);
    }
    for attestation in attestations {
        index.add_descriptor(attestation)?;
    }
    Ok(index.build())
}

fn image(plan: &ImagePlan, layers: &HostLayers, lock: &Lock) -> anyhow::Result<Image> {
    let host = plan.host;
    let steps = plan.content.layers().map(|name| {
        let created_by = name.created_by();
        let layer = layers.get(&name).with_context(|| format!("no layer with {created_by} for {host}"))?;
        Ok(Step { layer: layer.layer.clone(), created_by })
    });
    let steps = steps.collect::<anyhow::Result<_>>()?;
    let created = lock.date(host).with_context(|| format!("the lock has no date for {host}"))?;
    let mut annotations = about(plan.content, plan.version, created)?;
    for package in packages(plan, lock) {
        annotations
            .insert(format!("{PREFIX}.debian.{}.{}", package.name, package.suite), package.version.clone());
    }
    // What tells two builds of one host apart: `cargo xtask manifest` joins only what was built from one lock.
    annotations.insert(inputs_key(), inputs(host, lock).to_string());
    // Scripts in the image find busybox, and `register` finds QEMU.
    let env = vec![
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        format!("QEMU_BIN_DIR={BIN_DIR}"),
    ];
    let config = Execution {
        env: if plan.content.has_busybox() { env } else { Vec::new() },
        entrypoint: plan.content.kind().entrypoint().map(str::to_owned).into_iter().collect(),
        labels: annotations.clone(),
        ..Execution::default()
    };
    Ok(Image::build(ImageSpec {
        platform: host.platform().into(),
        created: timestamp(created)?,
        config,
        annotations,
        steps,
    }))
}

/// The annotations that images and indexes share (image-spec, annotations.md).
fn about(content: Content, version: QemuVersion, created: i64) -> anyhow::Result<Annotations> {
    // QEMU and busybox are GPL-2.0; what is ours is not.
    let licenses =
        if content.programs().next().is_some() { "Apache-2.0 AND GPL-2.0-only" } else { "GPL-2.0-only" };
    let values = [
        ("title", "qus".to_owned()),
        ("description", content.description()),
        ("version", version.to_string()),
        ("source", SOURCE.to_owned()),
        ("licenses", licenses.to_owned()),
        ("created", timestamp(created)?.to_string()),
    ];
    Ok(values.into_iter().map(|(key, value)| (format!("org.opencontainers.image.{key}"), value)).collect())
}

pub(super) fn timestamp(seconds: i64) -> anyhow::Result<jiff::Timestamp> {
    jiff::Timestamp::from_second(seconds).context("the lock's date is out of range")
}

/// The packages that an image holds something of.
pub(super) fn packages<'a>(plan: &ImagePlan, lock: &'a Lock) -> Vec<&'a Package> {
    let qemu: BTreeSet<Target> = versions(plan, lock).into_keys().collect();
    let mut packages: Vec<&Package> = lock
        .qemu(plan.host)
        .filter(|package| package.targets().any(|target| qemu.contains(&target)))
        .collect();
    if plan.content.has_busybox() {
        packages.extend(lock.busybox(plan.host));
    }
    packages
}

fn versions(plan: &ImagePlan, lock: &Lock) -> BTreeMap<Target, QemuVersion> {
    let version = |target| Some((target, lock.cell(plan.host, target)?.qemu_version()?));
    plan.content.targets().into_iter().filter_map(version).collect()
}

/// The annotation that holds [`inputs`].
pub fn inputs_key() -> String {
    format!("{PREFIX}.inputs")
}

/// The digest of everything that the lock has for a host.
pub fn inputs(host: Host, lock: &Lock) -> Digest {
    let mut text = String::new();
    for package in lock.qemu(host).chain(lock.busybox(host)) {
        text.push_str(&package.digest.hex());
        for target in package.targets() {
            text.push(' ');
            text.push_str(target.name());
        }
        text.push('\n');
    }
    Digest::of(text.as_bytes())
}
