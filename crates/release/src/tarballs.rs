//! `qemu-TARGET-static_HOST.tgz` and `qus-run-TARGET_HOST`: one binary each, out of the layers of the images.

use std::collections::BTreeSet;
use std::io::{self, Read};

use anyhow::{Context as _, bail};
use arch::{Host, Target};
use flate2::read::MultiGzDecoder;
use oci::Packed;
use oci::spec::{Descriptor, Manifest, media_type};
use publish::layout::Layout;

use crate::ReleaseContext;
use crate::folder::Folder;
use crate::programs;
use builder::build::{Built, BuiltImage};
use builder::content::Content;
use builder::kind::Kind;
use builder::packing::Compression;
use builder::plan::{Plan, Selection};

/// The images that the release takes binaries from: the single-target images, and `pkg` for the hosts that have no others.
pub(super) fn plan(release: &ReleaseContext<'_>) -> anyhow::Result<Plan> {
    let (full, pkg): (Vec<Host>, Vec<Host>) =
        selected(release).into_iter().partition(|host| host.has_register());
    let mut whole: Option<Plan> = None;
    let singles = match release.targets.as_slice() {
        [] => Target::current().collect(),
        targets => targets.to_vec(),
    };
    for (hosts, kinds, targets) in [(full, vec![], singles), (pkg, vec![Kind::Pkg], vec![])] {
        if hosts.is_empty() {
            continue;
        }
        let part = Plan::new(
            release.configured,
            &Selection { hosts, kinds, targets, compression: Compression::Gzip, ..Selection::default() },
            release.images.lock,
        )?;
        // The newest is the first edition of both, and has every binary; the others have some of them again.
        let part = part.only(|image| image.edition == 0);
        match &mut whole {
            None => whole = Some(part),
            Some(whole) => whole.images.extend(part.images),
        }
    }
    whole.context("a release is of at least one host")
}

/// In the order of the configuration; one that is not configured is left for [`Plan::new`] to refuse.
fn selected(release: &ReleaseContext<'_>) -> Vec<Host> {
    if release.hosts.is_empty() { release.configured.to_vec() } else { release.hosts.clone() }
}

/// The tarballs of `release`.
pub(super) fn cells<'a>(
    release: &'a ReleaseContext<'_>,
    plan: &'a Plan,
) -> impl Iterator<Item = (Host, Target)> + 'a {
    plan.images.iter().filter(|image| !is_one_file(image.content)).flat_map(|image| {
        let targets = match image.content.target() {
            Some(target) => BTreeSet::from([target]),
            None => wanted(release),
        };
        targets.into_iter().map(|target| (image.host, target))
    })
}

/// Each host with the targets that it has a `run` with QEMU inside for.
pub(super) fn one_files(plan: &Plan) -> impl Iterator<Item = (Host, Target)> + '_ {
    let images = plan.images.iter().filter(|image| is_one_file(image.content));
    images.filter_map(|image| Some((image.host, image.content.target()?)))
}

fn is_one_file(content: Content) -> bool {
    content.kind() == Kind::Run
}

/// The targets that are taken out of an image that holds all current ones.
fn wanted(release: &ReleaseContext<'_>) -> BTreeSet<Target> {
    let asked: BTreeSet<Target> = release.targets.iter().map(|target| target.binary()).collect();
    Target::current().filter(|target| asked.is_empty() || asked.contains(target)).collect()
}

/// A tarball's name; that of dbhi/qus's releases since the first.
pub(super) fn name(host: Host, target: Target) -> String {
    format!("{}_{host}.tgz", file(target))
}

/// The one file in it.
fn file(target: Target) -> String {
    format!("qemu-{target}-static")
}

/// Writes every tarball, several images at a time.
pub(super) fn write(
    release: &ReleaseContext<'_>,
    built: &Built,
    layout: &Layout,
    folder: &Folder,
) -> anyhow::Result<()> {
    let jobs = base::jobs(release.images.jobs).get();
    base::pool(jobs, &built.images, |image| write_image(release, image, layout, folder))?;
    Ok(())
}

fn write_image(
    release: &ReleaseContext<'_>,
    image: &BuiltImage,
    layout: &Layout,
    folder: &Folder,
) -> anyhow::Result<()> {
    let host = image.plan.host;
    let layer = qemu_layer(image, layout)?;
    let path = layout.blob_path(layer.digest);
    let context = || format!("cannot take binaries for {host} out of {}", path.display());
    let mut blob = layout.blob(&layer)?;
    match image.plan.content.target() {
        Some(target) if is_one_file(image.plan.content) => {
            let program = program(blob).with_context(context)?;
            folder.put(&programs::one_file_name(host, target), 0o755, &[&program])
        }
        Some(target) => {
            let mut bytes = Vec::with_capacity(usize::try_from(layer.size)? + 1);
            blob.read_to_end(&mut bytes).with_context(context)?;
            put(host, target, &Packed::only(&bytes).with_context(context)?, folder).with_context(context)
        }
        None => {
            let mut missing = wanted(release);
            oci::tarball::each(blob, |packed| -> anyhow::Result<()> {
                let of = |target: &Target| packed.path() == in_layer(*target);
                match missing.iter().copied().find(of) {
                    Some(target) => {
                        missing.remove(&target);
                        put(host, target, &packed, folder)
                    }
                    None => Ok(()),
                }
            })
            .with_context(context)?;
            match missing.first() {
                None => Ok(()),
                Some(target) => bail!("{}: there is no {}", context(), in_layer(*target)),
            }
        }
    }
}

/// The one program in a layer, unpacked.
fn program(layer: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(layer));
    let mut program = None;
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            program = Some(bytes);
        }
    }
    // Its end is reached only if the layer has the digest that was promised.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    program.context("it holds no file")
}

fn put(host: Host, target: Target, packed: &Packed<'_>, folder: &Folder) -> anyhow::Result<()> {
    if packed.path() != in_layer(target) {
        bail!("expected {}, found {}", in_layer(target), packed.path());
    }
    folder.put(&name(host, target), 0o644, &packed.tarball(&file(target))?.pieces())
}

/// The path of a target's binary in the images.
fn in_layer(target: Target) -> String {
    format!("usr/bin/{}", file(target))
}

/// The layer with QEMU's binaries.
fn qemu_layer(image: &BuiltImage, layout: &Layout) -> anyhow::Result<Descriptor> {
    let manifest: Manifest = layout.json(&image.descriptor)?;
    let place = image.plan.content.qemu_layer();
    let layer = place.and_then(|place| manifest.layers.get(place));
    let layer = layer.with_context(|| format!("{} has no layer with QEMU", image.descriptor.digest))?;
    match layer.media_type == media_type::LAYER_GZIP {
        true => Ok(layer.clone()),
        false => bail!("cannot make a tarball of a layer of type `{}`", layer.media_type),
    }
}
