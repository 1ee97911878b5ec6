//! The layers with QEMU's binaries: one with all of a host's, and one for each target.
//!
//! A package is decoded on one thread and its binaries compressed on another, one at a time, so that memory does not
//! grow with the number of binaries. Each is compressed once and written to every layer that wants it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::Context as _;
use arch::{Host, Target};
use debian::cache::Cache;
use debian::lock::Package;
use oci::spec::media_type;
use oci::{Entry, Layer, LayerWriter, Level, Member};
use publish::layout::{BlobWriter, LayoutWriter};

use super::base::MTIME;
use crate::ui::Task;

/// How hard binaries are compressed; a part of the digest contract.
pub(super) const LEVEL: Level = Level::DEFAULT;

/// Which layers to make from which packages.
pub(super) struct Wanted<'a> {
    pub(super) host: Host,
    /// Each package with the targets that are taken from it.
    pub(super) packages: Vec<(&'a Package, BTreeSet<Target>)>,
    /// Make the layer with all of them.
    pub(super) all: bool,
    /// Make the layers of these alone.
    pub(super) singles: BTreeSet<Target>,
}

/// The layers made.
pub(super) struct Made {
    pub(super) all: Option<Layer>,
    pub(super) singles: BTreeMap<Target, Layer>,
}

type Binary = (Target, Vec<u8>);

/// Makes the layers. Their blobs are in the layout afterwards; only an `Ok` says that the packages were what the
/// lock promised.
pub(super) fn make(
    wanted: &Wanted<'_>,
    cache: &Cache,
    layout: &LayoutWriter,
    task: &Task,
) -> anyhow::Result<Made> {
    // One binary may wait while the next is decoded and the last compressed.
    let (sender, receiver) = sync_channel(1);
    thread::scope(|scope| {
        let decoder = scope.spawn(move || decode(wanted, cache, &sender));
        let made = write(wanted, &receiver, layout, task);
        // Wakes a decoder that waits to send, when writing failed.
        drop(receiver);
        let decoded =
            decoder.join().map_err(|_| anyhow::anyhow!("the decoder of {} panicked", wanted.host))?;
        match (decoded, made) {
            (Ok(()), Ok(uncommitted)) => uncommitted.commit(),
            // A failed write ends the decoder too; the write is the cause.
            (_, Err(error)) => Err(error),
            (Err(error), Ok(_)) => Err(error),
        }
    })
}

fn decode(wanted: &Wanted<'_>, cache: &Cache, sender: &SyncSender<Binary>) -> anyhow::Result<()> {
    for (package, targets) in &wanted.packages {
        let context = || format!("cannot unpack {} {} for {}", package.name, package.version, wanted.host);
        let file = cache.read(package.size, &package.digest).with_context(context)?;
        debian::qemu::binaries(file, wanted.host, targets, &mut |target, program| {
            sender.send((target, program)).context("the layer writer stopped")
        })
        .with_context(context)?;
    }
    Ok(())
}

/// Layers that are written but not yet known to come from what the lock promised.
struct Uncommitted {
    all: Option<(BlobWriter, Layer)>,
    singles: Vec<(Target, BlobWriter, Layer)>,
}

fn write(
    wanted: &Wanted<'_>,
    binaries: &Receiver<Binary>,
    layout: &LayoutWriter,
    task: &Task,
) -> anyhow::Result<Uncommitted> {
    let mut all = wanted.all.then(|| start(layout)).transpose()?;
    let mut singles = Vec::new();
    for (target, program) in binaries {
        let entry =
            Entry::file(&format!("usr/bin/qemu-{target}-static"), program.len() as u64, 0o755, MTIME)?;
        let member = Member::content(&program, LEVEL);
        if let Some(layer) = &mut all {
            layer.file(&entry, &program, &member)?;
        }
        if wanted.singles.contains(&target) {
            let mut layer = start(layout)?;
            layer.file(&entry, &program, &member)?;
            let (blob, layer) = layer.finish()?;
            singles.push((target, blob, layer));
        }
        task.advance(program.len() as u64);
    }
    Ok(Uncommitted { all: all.map(LayerWriter::finish).transpose()?, singles })
}

fn start(layout: &LayoutWriter) -> anyhow::Result<LayerWriter<BlobWriter>> {
    let mut layer = LayerWriter::new(layout.blob_writer()?);
    layer.entry(&Entry::directory("usr", 0o755, MTIME)?)?;
    layer.entry(&Entry::directory("usr/bin", 0o755, MTIME)?)?;
    Ok(layer)
}

impl Uncommitted {
    fn commit(self) -> anyhow::Result<Made> {
        let all = self
            .all
            .map(|(blob, layer)| {
                blob.commit(media_type::LAYER_GZIP)?;
                anyhow::Ok(layer)
            })
            .transpose()?;
        let mut singles = BTreeMap::new();
        for (target, blob, layer) in self.singles {
            blob.commit(media_type::LAYER_GZIP)?;
            singles.insert(target, layer);
        }
        Ok(Made { all, singles })
    }
}
