//! The benchmarks: what each measures, and what its figures should be.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use arch::Host;
use debian::Progress;
use debian::lock::Lock;
use publish::layout::Layout;
use testbed::Packages;

use crate::child::{self, Run};
use crate::figure::{Figure, Goal, Unit, least, list};
use crate::scratch::Scratch;
use crate::{push, register, run};
use builder::cross::{self, Program};
use builder::{Site, Sizes};

/// The number of runs of what takes less than a second.
const SHORT: usize = 5;

/// The place and the settings of all benchmarks.
pub struct Suite<'a> {
    pub(crate) workspace: &'a Path,
    pub(crate) lock: &'a Lock,
    /// The number of runs of what takes long.
    pub(crate) runs: usize,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) scratch: Scratch,
}

impl<'a> Suite<'a> {
    /// Sees to it that packages and `register` are in the user's cache, by an ordinary build.
    pub fn new(
        site: &'a Site,
        lock: &'a Lock,
        runs: usize,
        progress: &'a dyn Progress,
    ) -> anyhow::Result<Suite<'a>> {
        let Site { workspace, cache_dir, .. } = site;
        progress.note("building the images once, so that packages and `register` are in the cache");
        let mut build = Command::new(std::env::current_exe()?);
        build.arg("images").arg("--cache-dir").arg(cache_dir);
        build.arg("--output").arg(workspace.join("target/images"));
        let step = progress.moment("building the images once");
        child::run(&mut build, "images")?;
        drop(step);
        let scratch = Scratch::new(site, lock, progress)?;
        Ok(Suite { workspace, lock, runs, progress, scratch })
    }

    /// A build when nothing has changed.
    pub fn unchanged(&self, title: &str) -> anyhow::Result<Vec<Figure>> {
        child::run(&mut self.scratch.images(), "images")?;
        let walls = self.repeat(SHORT, || child::run(&mut self.scratch.images(), "images"))?;
        let how = format!("least of {}", list(&walls));
        Ok(vec![
            Figure::new(title, "build when nothing has changed", Unit::Seconds, least(&walls), how)
                .of(SHORT)
                .goal(Goal::AtMost(0.3)),
        ])
    }

    /// The sizes of images at the level of a release.
    pub fn sizes(&self, title: &str) -> anyhow::Result<Vec<Figure>> {
        let amd64: Host = "amd64".parse()?;
        let mut figures = Vec::new();
        for (form, full_goal, single_goal) in [("gzip", 100e6, 5.0e6), ("zstd", 40e6, 4.2e6)] {
            let output = self.scratch.path(form);
            child::run(&mut self.scratch.released(form, &output), "images")?;
            let sizes = Sizes::read(&Layout::open(&output)?)?;
            let full = sizes.images.get(&amd64).context("the layout has no image for amd64")?;
            let single = sizes.singles.get(&(amd64, "aarch64".parse()?));
            let single = single.context("the layout has no image `aarch64` for amd64")?;
            for (image, size, goal) in
                [("image with everything", full, full_goal), ("image `aarch64`", single, single_goal)]
            {
                let how = "the layers for amd64, at the level of a release";
                figures.push(
                    Figure::new(title, &format!("{image}, {form}"), Unit::Bytes, *size as f64, how)
                        .goal(Goal::AtMost(goal)),
                );
            }
        }
        Ok(figures)
    }

    /// A first push, and pushes of what the registry has.
    pub fn push(&self, title: &str) -> anyhow::Result<Vec<Figure>> {
        child::run(&mut self.scratch.images(), "images")?;
        let push::Measured { first, again, bare } = push::run(&self.packages()?, &self.scratch, SHORT)?;
        let counted = |push: &push::Push| {
            let counts = push.requests.iter().map(|(method, count)| format!("{count} {method}"));
            counts.collect::<Vec<_>>().join(", ")
        };
        let time =
            |what: &str, push: &push::Push| Figure::new(title, what, Unit::Seconds, push.wall, counted(push));
        let walls: Vec<f64> = again.iter().map(|push| push.wall).collect();
        let how = format!("least of {}", list(&walls));
        let last = again.last().context("nothing was pushed again")?;
        let others = last.requests.iter().filter(|(method, _)| *method != "HEAD");
        let others: usize = others.map(|(_, count)| count).sum();
        Ok(vec![
            time("first push", &first),
            time("first push, without statements", &bare),
            Figure::new(title, "push of an unchanged build", Unit::Seconds, least(&walls), how)
                .of(SHORT)
                .goal(Goal::AtMost(0.5)),
            Figure::new(title, "requests of it that are no HEAD", Unit::Count, others as f64, counted(last))
                .goal(Goal::AtMost(0.0)),
        ])
    }

    /// `register` against a shell that writes the same lines; `qemu` is the folder with the binaries for this machine.
    pub fn register(&self, title: &str, qemu: &Path) -> anyhow::Result<Vec<Figure>> {
        let native = Host::native().context("there are no images for this machine")?;
        let program = self.program(Program::Register, native)?;
        let measured = register::run(&self.packages()?, qemu, &program, SHORT)?;
        Ok(register::figures(title, &measured))
    }

    /// `run` in its own modes against the kernel's binfmt_misc; `qemu` is the folder with the binaries for this machine.
    pub fn run(&self, title: &str, qemu: &Path) -> anyhow::Result<Vec<Figure>> {
        let native = Host::native().context("there are no images for this machine")?;
        anyhow::ensure!(native.has_run(), "there is no `run` for {native}");
        let [run, register] = [Program::Run, Program::Register].map(|program| self.program(program, native));
        let measured = run::run(&self.packages()?, qemu, (&run?, &register?), SHORT, self.progress)?;
        Ok(run::figures(title, &measured))
    }

    /// Measures what takes long and is done once for a release: every host, at the level that a push takes.
    pub fn release(&self, title: &str) -> anyhow::Result<Vec<Figure>> {
        self.scratch.clear()?;
        let run = child::run(&mut self.scratch.as_pushed(), "images --level best")?;
        let cores = std::thread::available_parallelism()?.get() as f64;
        let figure = |what: &str, unit, value| {
            let how = "`images --level best`, cold";
            Figure::new(title, &format!("{what} of a release's images"), unit, value, how)
        };
        Ok(vec![
            figure("time", Unit::Seconds, run.wall).goal(Goal::AtMost(360.0)),
            figure("CPU time", Unit::Seconds, run.cpu),
            figure("peak memory", Unit::Bytes, run.peak as f64),
            figure("share of the cores that was busy", Unit::Share, run.busy(cores)),
        ])
    }

    fn repeat(&self, times: usize, run: impl Fn() -> anyhow::Result<Run>) -> anyhow::Result<Vec<f64>> {
        (0..times).map(|_| run().map(|run| run.wall)).collect()
    }

    pub(crate) fn packages(&self) -> anyhow::Result<Packages> {
        if let Some(reason) = testbed::missing() {
            bail!("{reason}");
        }
        Ok(Packages::of_the_machine(&self.workspace.join("images/keyrings"))?)
    }

    /// A program of ours, as it is in the images for `host`.
    pub(crate) fn program(&self, program: Program, host: Host) -> anyhow::Result<PathBuf> {
        Ok(cross::folder(self.workspace, &self.scratch.cache())?.join(program.file(host)))
    }

    pub(crate) fn say(&self, number: usize, what: &str, run: &Run) {
        let (wall, cpu, peak) = (run.wall, run.cpu, base::size(run.peak));
        self.progress.note(&format!("  run {number}, {what}: {wall:.2} s ({cpu:.1} s of CPU, {peak})"));
    }
}
