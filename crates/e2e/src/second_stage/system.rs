//! One system: its packages, debootstrap's first stage, and its second stage in each mode.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use arch::Host;
use debian::Progress;
use debian::lock::Lock;
use publish::layout::Layout;
use testbed::sandbox::{Options, SHARED};
use testbed::{Package, Packages, Sandbox};

use super::end::End;
use super::rows::Row;
use crate::job::NOT_REGISTERED;
use crate::machine::Track;
use crate::stage;

/// The time for a stage: some minutes on a machine with nothing else to do.
const LIMIT: Duration = Duration::from_secs(3600);

/// debootstrap, and the programs that it uses of its own machine; a sandbox's busybox has the others. In busybox's shell, it would
/// get busybox's own of all programs.
const TOOLS: &str = "
    coreutils dash debootstrap dpkg libacl1 libattr1 libbz2-1.0 libcrypt1 libgmp10 liblzma5 libmd0 libzstd1
    perl-base tar zlib1g";

/// The modes that watch programs.
const MODES: [&str; 2] = ["trace", "notify"];

/// The root after the first stage, inside of the sandbox's shared folder.
const FIRST: &str = "first";

/// The folder that is a mirror, there too.
const MIRROR: &str = "mirror";

/// debootstrap makes devices, which takes more than a user namespace gives. In a container of this kind it takes those that
/// are there (`detect_container` in its functions).
const CONTAINER: &str = "container=lxc";

/// A system with what came of it.
#[derive(Debug)]
pub(super) struct Installed {
    /// The version of QEMU, as the lock has it.
    pub(super) qemu: String,
    pub(super) stages: Vec<Stage>,
}

/// A second stage.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) mode: &'static str,
    /// True if this is the mode that `run` takes by itself.
    pub(super) is_auto: bool,
    pub(super) time: Duration,
    /// The number of installed packages, or the reason for the failure.
    pub(super) result: Result<usize, String>,
}

/// The things that systems are made of.
pub(super) struct Parts<'a> {
    pub(super) packages: &'a Packages,
    pub(super) layout: &'a Path,
    pub(super) lock: &'a Lock,
    pub(super) progress: &'a dyn Progress,
}

/// Installs the system of `row`, once in each mode. The track is there as soon as a sandbox is.
pub(super) fn install(
    row: Row,
    native: Host,
    parts: &Parts<'_>,
    track: &mut Option<Track>,
) -> anyhow::Result<Installed> {
    let (host, target) = (native, row.target());
    let qemu = parts.lock.cell(host, target).with_context(|| format!("{target} is not locked for {host}"))?;
    let qemu = qemu.version.clone();
    let tools = parts.packages.tree("debootstrap", &Package::natives("bookworm", TOOLS))?;
    let sandbox = Sandbox::start(parts.packages, &Options { trees: vec![&tools], ..Options::default() })?;
    *track = Some(Track::of(&sandbox));
    let layout = Layout::open(parts.layout)?;
    stage::unpack(&layout, row.image(native), &sandbox.shared().join("run"))?;
    let system = System { row, sandbox, parts };
    let expected = system.first()?;
    system.is_not_registered()?;
    let auto = system.auto()?;
    let mut stages = Vec::new();
    for mode in MODES {
        let stage = system.second(mode, mode == auto, &expected)?;
        let is_slow = stage.time >= LIMIT;
        stages.push(stage);
        if is_slow {
            // It goes on until the sandbox ends, and would take the time of the next.
            return Ok(Installed { qemu, stages });
        }
    }
    system.is_not_registered()?;
    Ok(Installed { qemu, stages })
}

/// A system in its sandbox.
struct System<'a> {
    row: Row,
    sandbox: Sandbox,
    parts: &'a Parts<'a>,
}

/// A path in the shared folder, as the sandbox has it.
fn inside(name: &str) -> String {
    format!("{SHARED}/{name}")
}

impl System<'_> {
    /// The first stage, which runs no program of the system. Returns the packages that the second is to install.
    fn first(&self) -> anyhow::Result<BTreeSet<String>> {
        let Row { host, suite, .. } = self.row;
        let task = self.parts.progress.step(&format!("first stage of {} ({suite})", self.row.target()));
        let mirror = self.sandbox.shared().join(MIRROR);
        self.parts.packages.mirror(suite, self.row.host(), &[], &mirror)?;
        // Its own choice, from the list of packages.
        let names = self.debootstrap(&["--print-debs"], "names")?;
        let names: Vec<&str> = names.split_whitespace().collect();
        ensure!(!names.is_empty(), "debootstrap names no packages of {suite} for {host}");
        self.parts.packages.mirror(suite, self.row.host(), &names, &mirror)?;
        self.debootstrap(&["--foreign"], FIRST)?;
        drop(task);
        let list = |name: &str| {
            let path = self.sandbox.shared().join(FIRST).join("debootstrap").join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let lists = list("required")? + " " + &list("base")?;
        Ok(lists.split_whitespace().map(str::to_owned).collect())
    }

    /// Runs debootstrap natively, and returns what it prints on stdout.
    fn debootstrap(&self, options: &[&str], root: &str) -> anyhow::Result<String> {
        let architecture = format!("--arch={}", self.row.host().debian());
        // What is in the mirror was verified while it was fetched.
        let fixed = ["--no-check-gpg", "--variant=minbase", &architecture];
        let (root, mirror) = (inside(root), format!("file://{}", inside(MIRROR)));
        let mut argv = vec!["env", CONTAINER, "unshare", "-m", "debootstrap"];
        argv.extend(options.iter().chain(&fixed).copied().chain([self.row.suite, &root, &mirror]));
        let output = self.sandbox.output(&argv, LIMIT)?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "`{}` failed ({}):\n{}",
            argv.join(" "),
            output.status,
            tail(&(stdout + &String::from_utf8_lossy(&output.stderr)))
        );
        Ok(stdout)
    }

    /// Fails unless the kernel refuses the system's programs.
    fn is_not_registered(&self) -> anyhow::Result<()> {
        let argv = ["chroot", &inside(FIRST), "/bin/true"];
        let output = self.sandbox.output(&argv, LIMIT)?;
        let stderr = String::from_utf8_lossy(&output.stderr).to_lowercase();
        ensure!(
            !output.status.success() && stderr.contains(NOT_REGISTERED),
            "`{}` was to fail with `{NOT_REGISTERED}`: {}: {stderr}",
            argv.join(" "),
            output.status
        );
        Ok(())
    }

    /// The mode that `run` takes by itself.
    fn auto(&self) -> anyhow::Result<String> {
        let check = self.sandbox.run(&[&self.run(), "--check", "--json"])?;
        let check: serde_json::Value =
            serde_json::from_str(&check).context("cannot read what `run --check` reports")?;
        let mode = check["mode"].as_str().unwrap_or_default();
        ensure!(MODES.contains(&mode), "`run` would not watch programs here: {check}");
        Ok(mode.to_owned())
    }

    fn run(&self) -> String {
        inside("run/qus/run")
    }

    /// The second stage in `mode`, of which `expected` are the packages.
    fn second(
        &self,
        mode: &'static str,
        is_auto: bool,
        expected: &BTreeSet<String>,
    ) -> anyhow::Result<Stage> {
        let target = self.row.target();
        let _task = self.parts.progress.step(&format!("second stage of {target} in mode {mode}"));
        let root = format!("root-{mode}");
        self.sandbox.run(&["cp", "-a", &inside(FIRST), &inside(&root)])?;
        let here = self.sandbox.shared().join(&root);

        let mut show = |line: &str| self.parts.progress.note(&format!("  {target}, {mode}: {line}"));
        let started = Instant::now();
        // In the mode that it takes by itself, it is not asked for one.
        let options = if is_auto { vec![] } else { vec!["--mode", mode] };
        let argv = self.in_root(&root, &options, &["/debootstrap/debootstrap", "--second-stage"]);
        let status = self.sandbox.stream(&argv, LIMIT, &mut show);
        let time = started.elapsed();
        let stage = |result| Stage { mode, is_auto, time, result };
        let status = match status {
            Ok(status) => status,
            Err(error @ testbed::Error::Slow { .. }) => return Ok(stage(Err(error.to_string()))),
            Err(error) => return Err(error.into()),
        };
        let mut end = End {
            code: status.code(),
            log: tail(&fs::read_to_string(here.join("debootstrap/debootstrap.log")).unwrap_or_default()),
            is_left: here.join("debootstrap").exists(),
            ..End::default()
        };
        if end.code == Some(0) {
            let query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\\n"];
            end.audit = self.sandbox.run(&self.in_root(&root, &options, &["dpkg", "--audit"]))?;
            end.states = self.sandbox.run(&self.in_root(&root, &options, &query))?;
        }
        self.sandbox.run(&["rm", "-rf", &inside(&root)])?;
        Ok(stage(end.judge(expected)))
    }

    /// The command line for `command` in a root, under `run`.
    fn in_root(&self, root: &str, options: &[&str], command: &[&str]) -> Vec<String> {
        let root = inside(root);
        let run = self.run();
        let script = include_str!("enter.sh");
        let mut argv = vec!["env", CONTAINER, "unshare", "-m", "sh", "-c", script, "sh", &root, &run];
        argv.extend(options.iter().copied().chain(["--root", &root]).chain(command.iter().copied()));
        argv.into_iter().map(str::to_owned).collect()
    }
}

/// The last lines.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
