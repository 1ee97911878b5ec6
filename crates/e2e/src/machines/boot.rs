//! One boot: what the machine gets, and what comes out of its console.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use arch::{Host, Target};
use debian::lock::Lock;
use flate2::read::MultiGzDecoder;
use oci::spec::Manifest;
use publish::layout::Layout;
use tar::EntryType;
use testbed::machine::Prepared;
use testbed::{Hardware, Initramfs, Kernel, Package, Packages};

use super::check::{Check, Ended, Step};
use super::checks::{self, Subject};
use super::console::Console;
use super::rows::Row;
use crate::job::Image;
use crate::machine::Track;
use crate::stage::descriptor;

/// The time from start to end: some minutes on a machine with nothing else to do.
const LIMIT: Duration = Duration::from_secs(3600);

/// The outcome of a boot.
#[derive(Debug, Default)]
pub(super) struct Boot {
    /// `uname -r`.
    pub(super) release: String,
    /// Seconds of the machine's own clock until process 1 runs.
    pub(super) up: f64,
    /// From QEMU's start to its end.
    pub(super) time: Duration,
    pub(super) checks: Vec<Checked>,
}

/// The outcome of a check.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) name: &'static str,
    /// Seconds of the machine's clock.
    pub(super) time: f64,
    /// The reason if it has failed.
    pub(super) result: Result<(), String>,
}

/// Boots a machine of `row` and judges every check. An error is one of the boot; the track is there as soon as a sandbox is.
pub(super) fn boot(
    row: &Row,
    packages: &Packages,
    (layout, lock): (&Path, &Lock),
    sabotage: bool,
    track: &mut Option<Track>,
) -> anyhow::Result<Boot> {
    let host = row.host;
    let hardware = Hardware::of(host).with_context(|| format!("QEMU has no machine for {host}"))?;
    let hardware = row.processor.map_or(hardware, |processor| hardware.with_processor(processor));
    let kernel = Kernel::fetch(packages, row.suite, host, row.kernel)?;
    let prepared = Prepared::new(packages, hardware, &kernel)?;
    *track = Some(Track::of(prepared.sandbox()));
    let layout = Layout::open(layout)?;
    let subject = Subject::new(host, kernel.release(), row.runs)
        .with_context(|| format!("cannot read {} as the version of a kernel", kernel.release()))?;
    let checks = checks::of(&subject);
    let mut initramfs = prepared.initramfs()?;
    fill(&mut initramfs, &subject, packages, &kernel, &layout, &checks, sabotage)
        .context("cannot make an initramfs")?;
    initramfs.finish().context("cannot write an initramfs")?;
    let qemu = qemu_version(lock, host, subject.programs()[0].target())?;
    let started = Instant::now();
    let mut machine = prepared.start(LIMIT)?;
    let mut console = Console::default();
    while let Some(line) = machine.line()? {
        console.line(&line, || machine.tail());
    }
    let status = machine.end()?;
    let (release, up) = (console.release().to_owned(), console.up());
    let ends = console
        .ends(checks.iter().map(|check| check.steps.len()).sum(), &machine.tail())
        .with_context(|| format!("the machine ended too early ({status})"))?;
    let checks = judge(&checks, ends, &qemu, up);
    Ok(Boot { release, up, time: started.elapsed(), checks })
}

/// Each check's outcome. `qemu` is what QEMU calls its version, `up` the machine's clock when the first began.
fn judge(checks: &[Check], ends: Vec<Ended>, qemu: &str, mut up: f64) -> Vec<Checked> {
    let mut ends = ends.into_iter();
    let check = |check: &Check| {
        let mut result = Ok(());
        let began = up;
        for step in &check.steps {
            let mut ended = ends.next().unwrap_or_default();
            ended.out = ended.out.replace(qemu, "$QEMU");
            // The first reason is the best one.
            result = result.and(step.judge(&ended));
            up = ended.at;
        }
        Checked { name: check.name, time: up - began, result }
    };
    checks.iter().map(check).collect()
}

fn fill<W: Write>(
    initramfs: &mut Initramfs<W>,
    subject: &Subject,
    packages: &Packages,
    kernel: &Kernel,
    layout: &Layout,
    checks: &[Check],
    sabotage: bool,
) -> anyhow::Result<()> {
    let host = subject.host;
    for folder in ["dev", "proc", "sys", "tmp", "root", "sbin"] {
        initramfs.folder(folder)?;
    }
    let mut seen = BTreeSet::new();
    image(initramfs, layout, Image { tag: "latest", host }, &mut seen)?;
    if host.has_run() {
        image(initramfs, layout, Image { tag: "run", host }, &mut seen)?;
    }
    for host in subject.programs() {
        let package = Package::new(checks::busybox_suite(host), host, "busybox-static");
        let tree = packages.tree(&format!("busybox-{}", host.debian()), &[package])?;
        file(initramfs, &checks::busybox(host), &tree.path().join("usr/bin/busybox"))?;
    }
    let module = kernel.module("fs/binfmt_misc")?;
    let name = module.file_name().unwrap_or_default().to_string_lossy();
    file(initramfs, &format!("module/{name}"), &module)?;
    initramfs.text("init", 0o755, include_str!("init.sh"))?;
    initramfs.text("modprobe", 0o755, "#!/bin/sh\nexec /bin/busybox insmod /module/binfmt_misc.ko\n")?;
    initramfs.text("cases", 0o644, &checks::script(subject))?;
    let steps: Vec<&Step> = checks.iter().flat_map(|check| &check.steps).collect();
    if sabotage {
        // Before its last step, the machine loses its entries.
        initramfs.text("sabotage", 0o644, &step_name(steps.len() - 1))?;
    }
    for (number, step) in steps.into_iter().enumerate() {
        initramfs.text(&step_name(number), 0o644, &step.command)?;
    }
    Ok(())
}

/// The file with a step's command; in the order of the steps.
fn step_name(number: usize) -> String {
    format!("steps/{number:03}")
}

fn file<W: Write>(initramfs: &mut Initramfs<W>, path: &str, from: &Path) -> anyhow::Result<()> {
    let context = || format!("cannot read {}", from.display());
    let file = File::open(from).with_context(context)?;
    let size = file.metadata().with_context(context)?.len();
    Ok(initramfs.file(path, 0o755, size, file)?)
}

/// The files of an image's layers that are not in `seen`.
fn image<W: Write>(
    initramfs: &mut Initramfs<W>,
    layout: &Layout,
    image: Image,
    seen: &mut BTreeSet<String>,
) -> anyhow::Result<()> {
    let manifest: Manifest = layout.json(&descriptor(layout, image)?)?;
    for layer in &manifest.layers {
        if seen.insert(layer.digest.to_string()) {
            let blob = layout.blob(layer)?;
            unpack(initramfs, MultiGzDecoder::new(blob))
                .with_context(|| format!("cannot unpack {}", layer.digest))?;
        }
    }
    Ok(())
}

fn unpack<W: Write>(initramfs: &mut Initramfs<W>, layer: impl Read) -> io::Result<()> {
    let mut archive = tar::Archive::new(layer);
    for entry in archive.entries()? {
        let entry = entry?;
        let path = entry.path()?;
        let plain = path.components().filter(|part| matches!(part, Component::Normal(_)));
        let path = plain.collect::<std::path::PathBuf>().to_string_lossy().into_owned();
        let target =
            entry.link_name()?.map(|target| target.to_string_lossy().into_owned()).unwrap_or_default();
        match entry.header().entry_type() {
            EntryType::Directory => initramfs.folder(&path)?,
            EntryType::Symlink => initramfs.link(&path, &target)?,
            // To a file of the same archive, from its root on.
            EntryType::Link => {
                initramfs.link(&path, &format!("/{}", target.trim_start_matches(['.', '/'])))?;
            }
            _ => initramfs.file(&path, entry.header().mode()?, entry.size(), entry)?,
        }
    }
    Ok(())
}

/// The version of the QEMU whose program the checks look at, as the lock has it.
fn qemu_version(lock: &Lock, host: Host, target: Target) -> anyhow::Result<String> {
    let package = lock.qemu(host).find(|package| package.targets().any(|other| other == target));
    // `1:11.1.3+ds-1`: QEMU's own version is between the epoch and what Debian adds.
    let version = package.map(|package| package.version.rsplit(':').next().unwrap_or_default());
    let version = version.and_then(|version| version.split(['+', '-', '~']).next());
    version.map(str::to_owned).with_context(|| format!("the lock has no {target} for {host}"))
}
