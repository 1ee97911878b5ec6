//! Builds what the plan says: layers by host, then images and indexes over them.

mod assemble;
mod attestation;
mod base;
mod busybox;
mod downloads;
mod layers;
pub mod memo;
mod missing;
mod one_file;
mod ours;
mod pipeline;
mod qemu;
pub mod records;
mod union;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use arch::{Host, Status, Target};
use debian::About;
use debian::lock::{Lock, Package};
use debian::progress::Progress;
use publish::layout::LayoutWriter;

pub use assemble::{Built, BuiltImage, BuiltIndex, Member, PREFIX, index, inputs, inputs_key};
use downloads::Downloads;
pub use downloads::fetch_packages;
use layers::Made;
use memo::{Key, Memo};
use missing::Missing;
use pipeline::Permits;
pub(crate) use union::{Union, widen};

use crate::content::LayerName;
use crate::cross::{Program, Programs};
use crate::kind::Part;
use crate::packing::{Form, Level, Packing, Payload};
use crate::plan::Plan;
use crate::statements::Statements;
use crate::trace::Trace;
use crate::{Leave, announce};

/// Each decoding thread holds blocks of a package in memory, so there are no more than these for a host.
const MOST_DECODERS: u32 = 4;

/// The things that a build works with.
pub(crate) struct Builder<'a> {
    pub(crate) lock: &'a Lock,
    pub(crate) fetch: &'a debian::fetch::Fetcher,
    pub(crate) mirror: &'a debian::mirror::Mirror,
    pub(crate) layout: &'a LayoutWriter,
    pub(crate) cache_dir: &'a Path,
    pub(crate) jobs: NonZero<usize>,
    pub(crate) level: Level,
    pub(crate) statements: Statements,
    pub(crate) progress: &'a Arc<dyn Progress>,
    pub(crate) trace: &'a Trace,
    pub(crate) leave: &'a Leave<'a>,
}

/// The layers that the images of one host are made of, in one form.
pub(crate) type HostLayers = BTreeMap<LayerName, Made>;

impl Builder<'_> {
    /// Builds every image and index of `plan` into the layout. `programs` are asked for when everything that needs none of them
    /// is made.
    pub(crate) fn run(
        &self,
        plan: &Plan,
        programs: impl FnOnce() -> anyhow::Result<Programs>,
    ) -> anyhow::Result<Built> {
        let memo = Memo::open(self.cache_dir)?;
        let editions: Vec<(Builder<'_>, Plan)> = (plan.editions.iter().enumerate())
            .map(|(place, edition)| {
                (Builder { lock: &edition.lock, ..*self }, plan.only(|image| image.edition == place))
            })
            .collect();
        for (builder, plan) in &editions {
            builder.make_debians(plan, &memo)?;
        }
        let programs = programs()?;
        for (builder, plan) in &editions {
            builder.make_ours(plan, &programs, &memo)?;
        }

        let _step = self.progress.moment("putting images together");
        let mut images = Vec::new();
        for (builder, plan) in &editions {
            images.extend(builder.assemble(plan, &programs, &memo)?);
        }
        let indexes = assemble::indexes(plan, &images)?;
        Ok(Built { images, indexes, listed: Vec::new() })
    }

    /// Makes what the layout and the cache lack of the layers with what is Debian's.
    fn make_debians(&self, plan: &Plan, memo: &Memo) -> anyhow::Result<()> {
        let step = self.progress.moment("looking for layers that are there");
        let mut missing: Vec<Missing<'_>> = plan
            .hosts()
            .into_iter()
            .map(|host| self.missing(plan, host, memo))
            .filter(|missing| missing.as_ref().map_or(true, Missing::any))
            .collect::<anyhow::Result<_>>()?;
        // The longest first, so that no core is left with it alone at the end.
        missing.sort_by_key(|missing| std::cmp::Reverse(missing.weight()));
        drop(step);
        self.make(missing, memo)?;
        self.make_records(plan, memo)
    }

    /// Puts the images of `plan`, whose layers are there, into the layout, with what is said about them.
    fn assemble(&self, plan: &Plan, programs: &Programs, memo: &Memo) -> anyhow::Result<Vec<BuiltImage>> {
        let mut layers = BTreeMap::new();
        for host in plan.hosts() {
            for form in plan.forms() {
                let key = (host, form);
                layers.insert(key, self.layers(plan, host, form, programs, memo)?);
            }
        }
        let _span = self.trace.span("assemble", || "images and indexes".to_owned());
        let mut images =
            assemble::images(plan, &layers, self.lock, self.level, self.layout, self.jobs.get())?;
        self.attest(&mut images, &layers, programs, memo)?;
        Ok(images)
    }

    /// Makes what is missing, several hosts at a time, each as soon as its packages are there.
    fn make(&self, missing: Vec<Missing<'_>>, memo: &Memo) -> anyhow::Result<()> {
        if missing.is_empty() {
            return Ok(());
        }
        (self.leave)()?;
        let cached = |package: &Package| {
            self.fetch.cache().get(package.size, &package.digest).is_ok_and(|path| path.is_some())
        };
        if !missing.iter().flat_map(Missing::needs).all(cached) {
            announce(self.mirror, self.progress.as_ref());
        }
        // Before its downloads, so that signs of life name it first.
        let done = self.progress.count("making layers, host by host", missing.len() as u64);
        let downloads = Downloads::start(
            missing.iter().flat_map(Missing::needs),
            self.lock,
            self.fetch,
            self.mirror,
            self.progress,
        )?;
        // As many hosts at a time as there are jobs, for decoding has one thread for each; all together compress no more than
        // that many binaries at a time. But a long window takes 190 MB, and what it is fed with takes more.
        let long = missing.iter().any(|missing| missing.all.contains(&Form::Zstd));
        let at_once = if long { 1 } else { self.jobs.get().min(missing.len()) };
        let shared = qemu::Shared {
            cache: self.fetch.cache(),
            layout: self.layout,
            permits: &Permits::new(self.jobs.get()),
            trace: self.trace,
            // With fewer hosts than cores, one thread would be slower than the compressors that wait for it. (A long window
            // is one thread that all wait for.)
            decoders: if long {
                1
            } else {
                u32::try_from(self.jobs.get() / at_once).map_or(1, |share| share.min(MOST_DECODERS))
            },
            // One more than its share, which has its binary ready when a permit is free.
            workers: self.jobs.get().div_ceil(at_once) + 1,
        };
        // What is finished when one fails stays, and is not made again.
        ::base::pool(at_once, missing, |missing| {
            self.make_host(&missing, &downloads, shared, memo)?;
            done.advance(1);
            anyhow::Ok(())
        })?;
        Ok(())
    }

    fn make_host(
        &self,
        missing: &Missing<'_>,
        downloads: &Downloads,
        shared: qemu::Shared<'_>,
        memo: &Memo,
    ) -> anyhow::Result<()> {
        let host = missing.host;
        for package in missing.needs() {
            let _span = self.trace.span("wait", || format!("{host} {}", package.name));
            downloads.wait(package)?;
        }
        if let Some((package, forms)) = &missing.busybox {
            let context = || format!("cannot unpack {} {} for {host}", package.name, package.version);
            let _span = self.trace.span("base", || format!("{host} busybox"));
            let file = self.fetch.cache().read(package.size, &package.digest).with_context(context)?;
            let (program, about) = debian::qemu::busybox(file, host).with_context(context)?;
            memo.put_note(&about_key(package), &about)?;
            for form in forms {
                let layer = base::busybox_layer(host, &program, *form, self.layout)?;
                memo.put(&busybox_key(package, *form), &layer, self.layout)?;
            }
        }
        if missing.packages.is_empty() {
            return Ok(());
        }
        let binaries: usize = missing.packages.iter().map(|(_, targets)| targets.len()).sum();
        let binaries = ::base::count(binaries, "binary", "binaries");
        let task = self.progress.step(&format!("{host}: compressing {binaries}"));
        let wanted = qemu::Wanted {
            host,
            packages: missing.packages.clone(),
            all: missing.all.clone(),
            singles: missing.singles.clone(),
            level: self.level,
        };
        let made = qemu::make(&wanted, shared, task.as_ref())?;
        for ((package, _), about) in missing.packages.iter().zip(&made.abouts) {
            memo.put_note(&about_key(package), about)?;
        }
        for (form, layer) in &made.all {
            memo.put(&self.all_key(host, *form), layer, self.layout)?;
        }
        for ((target, form), layer) in &made.singles {
            memo.put(&self.single_key(host, *target, *form)?, layer, self.layout)?;
        }
        Ok(())
    }

    /// Everything that the host's images in one form need, all of which is there now.
    fn layers(
        &self,
        plan: &Plan,
        host: Host,
        form: Form,
        programs: &Programs,
        memo: &Memo,
    ) -> anyhow::Result<HostLayers> {
        let names = wanted(plan, host, self.lock).into_iter();
        names.map(|name| Ok((name, self.layer(host, form, name, programs, memo)?))).collect()
    }

    /// A layer that was made.
    fn layer(
        &self,
        host: Host,
        form: Form,
        name: LayerName,
        programs: &Programs,
        memo: &Memo,
    ) -> anyhow::Result<Made> {
        memo.get(&self.key(host, form, name, programs)?, self.layout)?.with_context(|| {
            format!("a layer for {host} vanished from {} during the build", self.layout.path().display())
        })
    }

    /// Everything that a layer's bytes depend on.
    fn key(&self, host: Host, form: Form, name: LayerName, programs: &Programs) -> anyhow::Result<Key> {
        let packing = self.packing(form, name).to_string();
        let digest = |program| anyhow::Ok(ours::program(programs, program, host)?.digest.hex());
        let mut parts = match (name.part, name.target) {
            (Part::Busybox, _) => return Ok(busybox_key(self.busybox(host)?, form)),
            (Part::Qemu, None) => return Ok(self.all_key(host, form)),
            (Part::Qemu, Some(target)) => return self.single_key(host, target, form),
            (Part::Register, _) => vec!["register".to_owned(), packing, digest(Program::Register)?],
            (Part::Run, _) => vec!["run".to_owned(), packing, digest(Program::Run)?],
            (Part::RunWithQemu, _) => vec!["run with QEMU".to_owned(), packing, digest(Program::Run)?],
            (Part::Buildkit, _) => vec!["buildkit".to_owned(), packing, digest(Program::Run)?],
            (Part::BusyboxRecords | Part::QemuRecords | Part::BuildkitRecords, _) => {
                return self.records_key(host, form, name);
            }
        };
        for target in name.inside(host, self.lock) {
            parts.extend([self.cell(host, target)?.digest.hex(), target.to_string()]);
        }
        Ok(Key::new(parts.iter().map(String::as_str)))
    }

    /// The compression of a layer.
    fn packing(&self, form: Form, name: LayerName) -> Packing {
        let payload = match (name.part.has_qemu(), name.target) {
            (false, _) => return base::packing(form),
            (true, None) => Payload::All,
            (true, Some(_)) => Payload::One,
        };
        Packing { form, level: self.level, payload }
    }

    fn cell(&self, host: Host, target: Target) -> anyhow::Result<&Package> {
        self.lock.cell(host, target).with_context(|| format!("{target} is not locked for {host}"))
    }

    fn busybox(&self, host: Host) -> anyhow::Result<&Package> {
        self.lock
            .busybox(host)
            .with_context(|| format!("images/debian.lock has no busybox for the host `{host}`"))
    }

    fn all_key(&self, host: Host, form: Form) -> Key {
        let packing = Packing { form, level: self.level, payload: Payload::All };
        let mut parts = vec!["qemu".to_owned(), packing.to_string()];
        for package in self.lock.qemu(host) {
            let current = package.targets().filter(|target| target.status() == Status::Current);
            parts.push(package.digest.hex());
            parts.extend(current.map(|target| target.to_string()));
        }
        Key::new(parts.iter().map(String::as_str))
    }

    fn single_key(&self, host: Host, target: Target, form: Form) -> anyhow::Result<Key> {
        let package = self.cell(host, target)?;
        let packing = Packing { form, level: self.level, payload: Payload::One }.to_string();
        Ok(Key::new(["single", &packing, &package.digest.hex(), target.name()]))
    }
}

/// The key of the facts about a package.
fn about_key(package: &Package) -> Key {
    Key::new(["about 2", &package.digest.hex()])
}

/// The facts about a package, which are noted when it is read.
fn about(package: &Package, memo: &Memo) -> anyhow::Result<About> {
    memo.note(&about_key(package)).with_context(|| {
        format!("the facts about {} {} vanished from the cache", package.name, package.version)
    })
}

fn busybox_key(package: &Package, form: Form) -> Key {
    Key::new(["busybox", &base::packing(form).to_string(), &package.digest.hex()])
}

/// The layers of the host's images, and those that these are made of.
fn wanted(plan: &Plan, host: Host, lock: &Lock) -> BTreeSet<LayerName> {
    let images = plan.images.iter().filter(|image| image.host == host);
    let layers = images.flat_map(|image| image.content.layers());
    let qemu = |target| LayerName { part: Part::Qemu, target: Some(target) };
    layers.flat_map(|name| name.inside(host, lock).into_iter().map(qemu).chain([name])).collect()
}
