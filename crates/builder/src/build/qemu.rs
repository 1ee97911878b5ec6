//! The layers with QEMU's binaries: one with all of a host's, and one for each target.
//!
//! A package is decoded on one thread and its binaries compressed on several others, a few at a time, so that memory does
//! not grow with the number of binaries. Each is compressed once and written, in the package's order, to every layer that
//! wants it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use ::base::lock;
use anyhow::Context as _;
use arch::{Host, Target};
use attest::Checksums;
use debian::About;
use debian::cache::Cache;
use debian::lock::Package;
use debian::progress::Task;
use oci::{Entry, Member};
use publish::layout::LayoutWriter;

use super::layers::{Finished, MTIME, Made, Writer};
use super::pipeline::{Permits, Turns};
use crate::packing::{Form, Level, Packing, Payload};
use crate::trace::Trace;

/// The layers to make, and their packages.
pub(super) struct Wanted<'a> {
    pub(super) host: Host,
    /// Each package with the targets that are taken from it.
    pub(super) packages: Vec<(&'a Package, BTreeSet<Target>)>,
    /// Make the layer with all of them in these forms.
    pub(super) all: BTreeSet<Form>,
    /// Make the layers of these alone.
    pub(super) singles: BTreeSet<(Target, Form)>,
    pub(super) level: Level,
}

impl Wanted<'_> {
    fn wants(&self, target: Target, form: Form) -> bool {
        self.all.contains(&form) || self.singles.contains(&(target, form))
    }

    fn packing(&self, form: Form, payload: Payload) -> Packing {
        Packing { form, level: self.level, payload }
    }
}

/// The layers made, and the facts about the packages, in their order.
pub(super) struct Layers {
    pub(super) all: BTreeMap<Form, Made>,
    pub(super) singles: BTreeMap<(Target, Form), Made>,
    pub(super) abouts: Vec<About>,
}

/// A binary on its way, padded to whole tar blocks: compressors take it in one piece.
struct Binary {
    number: usize,
    target: Target,
    padded: Vec<u8>,
    size: usize,
}

impl Binary {
    fn new(number: usize, target: Target, mut program: Vec<u8>) -> Binary {
        let size = program.len();
        program.extend_from_slice(oci::entry::padding(size as u64));
        Binary { number, target, padded: program, size }
    }

    fn program(&self) -> &[u8] {
        &self.padded[..self.size]
    }

    fn path(&self) -> String {
        format!("usr/bin/qemu-{}-static", self.target)
    }
}

/// The things that the hosts' threads share.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a> {
    pub(super) cache: &'a Cache,
    pub(super) layout: &'a LayoutWriter,
    pub(super) permits: &'a Permits,
    pub(super) trace: &'a Trace,
    /// The number of threads that decode one host's packages.
    pub(super) decoders: u32,
    /// The number of threads that compress one host's binaries; each holds one in memory.
    pub(super) workers: usize,
}

/// Makes the layers. Their blobs are in the layout afterwards; only an `Ok` says that the packages were what the
/// lock promised.
pub(super) fn make(wanted: &Wanted<'_>, shared: Shared<'_>, task: &dyn Task) -> anyhow::Result<Layers> {
    // One binary may wait while the next is decoded and the last are compressed.
    let (sender, receiver) = sync_channel(1);
    let receiver = Arc::new(Mutex::new(receiver));
    let turns = Turns::new(Uncommitted::start(wanted, shared.layout)?);
    let (decoded, written) = thread::scope(|scope| {
        let decoder = scope.spawn(move || decode(wanted, shared, &sender));
        let workers: Vec<_> = (0..shared.workers)
            .map(|_| {
                let (receiver, turns) = (Arc::clone(&receiver), &turns);
                scope.spawn(move || work(wanted, shared, &receiver, turns, task))
            })
            .collect();
        // When all workers have failed, nobody receives, and the decoder ends too.
        drop(receiver);
        let panicked = || anyhow::anyhow!("a thread that compresses for {} panicked", wanted.host);
        let written: Vec<anyhow::Result<()>> =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| Err(panicked()))).collect();
        (
            decoder.join().unwrap_or_else(|_| Err(panicked())),
            written.into_iter().collect::<anyhow::Result<()>>(),
        )
    });
    // A failed write ends the decoder too; the write is the cause.
    written?;
    turns.into_inner().commit(decoded?)
}

fn decode(
    wanted: &Wanted<'_>,
    shared: Shared<'_>,
    sender: &SyncSender<Binary>,
) -> anyhow::Result<Vec<About>> {
    let (mut number, mut abouts) = (0, Vec::new());
    for (package, targets) in &wanted.packages {
        let context = || format!("cannot unpack {} {} for {}", package.name, package.version, wanted.host);
        let file = shared.cache.read(package.size, &package.digest).with_context(context)?;
        let span = || shared.trace.span("decode", || format!("{} {}", wanted.host, package.name));
        let mut decoding = span();
        let about =
            debian::qemu::binaries(file, wanted.host, targets, shared.decoders, &mut |target, program| {
                drop(decoding.take());
                let sent =
                    sender.send(Binary::new(number, target, program)).context("the layer writer stopped");
                number += 1;
                decoding = span();
                sent
            })
            .with_context(context)?;
        abouts.push(about);
    }
    Ok(abouts)
}

/// Compresses binaries until there are no more, or something has failed.
fn work(
    wanted: &Wanted<'_>,
    shared: Shared<'_>,
    binaries: &Mutex<Receiver<Binary>>,
    turns: &Turns<Uncommitted>,
    task: &dyn Task,
) -> anyhow::Result<()> {
    let watch = turns.watch();
    loop {
        let received = lock(binaries).recv();
        let Ok(binary) = received else {
            watch.release();
            return Ok(());
        };
        let span = |stage| shared.trace.span(stage, || format!("{} {}", wanted.host, binary.target));
        let packed = {
            let _permit = shared.permits.acquire();
            let _span = span("compress");
            Packed::new(wanted, &binary, shared.layout)?
        };
        let written = turns.take(binary.number, |layers| {
            let _span = span("write");
            layers.write(wanted, &binary, packed, shared.layout)
        });
        match written {
            Some(written) => written?,
            None => return Ok(()),
        }
        task.advance(binary.size as u64);
    }
}

/// A binary, compressed in every form that is wanted and does not depend on the other binaries.
struct Packed {
    /// The entry that every layer in gzip takes.
    member: Option<Member>,
    /// The layer in zstd with this binary alone.
    single: Option<Finished>,
    sums: Checksums,
}

impl Packed {
    fn new(wanted: &Wanted<'_>, binary: &Binary, layout: &LayoutWriter) -> anyhow::Result<Packed> {
        let target = binary.target;
        let sums = Checksums::of([binary.program()]);
        let member =
            wanted.wants(target, Form::Gzip).then(|| Member::compress(&binary.padded, wanted.level.gzip()));
        let single = match wanted.singles.contains(&(target, Form::Zstd)) {
            true => Some(single(wanted, Form::Zstd, binary, (sums, None), layout)?),
            false => None,
        };
        Ok(Packed { member, single, sums })
    }
}

fn single(
    wanted: &Wanted<'_>,
    form: Form,
    binary: &Binary,
    (sums, member): (Checksums, Option<&Member>),
    layout: &LayoutWriter,
) -> anyhow::Result<Finished> {
    let mut layer = start(wanted.packing(form, Payload::One), layout)?;
    layer.program(&binary.path(), binary.program(), sums, member)?;
    layer.finish()
}

fn start(packing: Packing, layout: &LayoutWriter) -> anyhow::Result<Writer> {
    let mut layer = Writer::new(packing, layout)?;
    layer.entry(&Entry::directory("usr", 0o755, MTIME)?)?;
    layer.entry(&Entry::directory("usr/bin", 0o755, MTIME)?)?;
    Ok(layer)
}

/// Layers that are written but not yet known to come from what the lock promised.
struct Uncommitted {
    all: BTreeMap<Form, Writer>,
    singles: Vec<((Target, Form), Finished)>,
}

impl Uncommitted {
    fn start(wanted: &Wanted<'_>, layout: &LayoutWriter) -> anyhow::Result<Uncommitted> {
        let start = |form: &Form| Ok((*form, start(wanted.packing(*form, Payload::All), layout)?));
        let all = wanted.all.iter().map(start).collect::<anyhow::Result<_>>()?;
        Ok(Uncommitted { all, singles: Vec::new() })
    }

    fn write(
        &mut self,
        wanted: &Wanted<'_>,
        binary: &Binary,
        packed: Packed,
        layout: &LayoutWriter,
    ) -> anyhow::Result<()> {
        let member = packed.member.as_ref();
        for layer in self.all.values_mut() {
            layer.program(&binary.path(), binary.program(), packed.sums, member)?;
        }
        let target = binary.target;
        if wanted.singles.contains(&(target, Form::Gzip)) {
            let layer = single(wanted, Form::Gzip, binary, (packed.sums, member), layout)?;
            self.singles.push(((target, Form::Gzip), layer));
        }
        self.singles.extend(packed.single.map(|layer| ((target, Form::Zstd), layer)));
        Ok(())
    }

    fn commit(self, abouts: Vec<About>) -> anyhow::Result<Layers> {
        let all = self.all.into_iter().map(|(form, layer)| Ok((form, layer.finish()?.commit()?)));
        let all = all.collect::<anyhow::Result<_>>()?;
        let singles = self.singles.into_iter().map(|(what, layer)| Ok((what, layer.commit()?)));
        Ok(Layers { all, singles: singles.collect::<anyhow::Result<_>>()?, abouts })
    }
}
