//! QEMU itself: what its releases and its CPU models make of the same programs, in CPU time of the user's.
//!
//! A program is started as `qemu-TARGET -L ROOT PROGRAM`, where ROOT is a tree of unpacked packages: no kernel's help, no root
//! file system that was installed, and no privilege.

mod figures;
mod works;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use arch::{Host, Target};
use debian::Progress;
use testbed::{Package, Packages, Tree};

use crate::child;
use crate::figure::Figure;
use works::{Data, WORKS, Work};

/// Debian's releases with the package that has the static binaries, the oldest first.
const QEMUS: [(&str, &str); 3] =
    [("bookworm", "qemu-user-static"), ("trixie", "qemu-user"), ("sid", "qemu-user")];

/// The machines that the programs are for, with models beside the ones that are known to be of use.
const MACHINES: [(&str, &[&str]); 7] = [
    ("riscv64", &["rva22u64"]),
    ("arm64v8", &[]),
    ("s390x", &["qemu"]),
    ("arm32v7", &[]),
    ("ppc64le", &[]),
    ("i386", &[]),
    ("amd64", &[]),
];

/// Packages of a root: those that all releases have under one name.
#[rustfmt::skip]
const ROOT: [&str; 24] = [
    "bash", "coreutils", "gzip", "libacl1", "libattr1", "libc6", "libcrypt1", "libexpat1", "libgcc-s1", "libgmp10",
    "liblz4-1", "liblzma5", "libpcre2-8-0", "libselinux1", "libstdc++6", "libsystemd0", "libtinfo6", "libxxhash0", "libzstd1", "openssl",
    "perl-base", "xz-utils", "zlib1g", "zstd",
];

/// The others, by release; the last one of each names its Python.
const BOOKWORM: [&str; 3] = ["libssl3", "libpython3.11-minimal", "python3.11-minimal"];
const SID: [&str; 4] =
    ["libssl3t64", "openssl-provider-legacy", "libpython3.14-minimal", "python3.14-minimal"];

/// A way to run programs of a target.
#[derive(Debug, Clone)]
struct Way {
    /// QEMU's version; `None` without one, on a machine that runs them by itself.
    qemu: Option<String>,
    /// The CPU model, if not QEMU's own default.
    model: Option<String>,
    program: Vec<String>,
}

/// The seconds of each round, for each work in the order of [`WORKS`].
#[derive(Debug)]
struct Measured {
    way: Way,
    rounds: Vec<Vec<f64>>,
}

/// Measures `rounds` times, all ways of a target in turn.
pub fn emulation(
    title: &str,
    keyrings: &Path,
    rounds: usize,
    progress: &dyn Progress,
) -> anyhow::Result<Vec<Figure>> {
    let packages = Packages::of_the_machine(keyrings)?;
    let qemus = QEMUS.iter().map(|(suite, name)| {
        let tree = packages.tree(&format!("{name}-{suite}"), &[Package::native(suite, name)])?;
        Ok((*name, tree))
    });
    let qemus: Vec<(&str, Tree)> = qemus.collect::<anyhow::Result<_>>()?;
    let data = Data::new()?;
    let mut figures = Vec::new();
    for (host, models) in MACHINES {
        let host: Host = host.parse()?;
        let root = Root::new(&packages, host)?;
        let ways = ways(host, models, &qemus, &root)?;
        // The others are for comparison.
        let rounds = if host.target().cpu_models().is_empty() { rounds.div_ceil(2) } else { rounds };
        let mut measured: Vec<Measured> =
            ways.into_iter().map(|way| Measured { way, rounds: vec![Vec::new(); WORKS.len()] }).collect();
        for round in 1..=rounds {
            for (index, work) in WORKS.iter().enumerate() {
                for Measured { way, rounds } in &mut measured {
                    let user = run(way, work, &root, &data)?;
                    progress.note(&format!(
                        "  {}, {}, {}: {user:.2} s, round {round}",
                        host.target(),
                        way.name(),
                        work.name
                    ));
                    rounds[index].push(user);
                }
            }
        }
        figures.extend(figures::of(title, host.target(), &measured));
    }
    Ok(figures)
}

/// The ways of a host's programs: every QEMU with its own default, and with each model that it has.
fn ways(host: Host, models: &[&str], qemus: &[(&str, Tree)], root: &Root) -> anyhow::Result<Vec<Way>> {
    let target = host.target();
    let known = target.cpu_models().iter().map(|model| model.name);
    let known: Vec<&str> =
        known.chain(models.iter().copied().filter(|name| !is_known(target, name))).collect();
    let mut ways = Vec::new();
    if Host::native().is_ok_and(|native| native == host) {
        ways.push(Way { qemu: None, model: None, program: Vec::new() });
    }
    let dir = root.path().to_str().context("a path that is text")?;
    for (package, tree) in qemus {
        let suffix = if package.ends_with("static") { "-static" } else { "" };
        let qemu = tree.path().join(format!("usr/bin/qemu-{target}{suffix}"));
        let qemu = qemu.to_str().context("a path that is text")?;
        let version = child::run(Command::new(qemu).arg("--version"), "qemu --version")?.stdout;
        let version = version.split_whitespace().nth(2).context("QEMU prints no version")?.to_owned();
        for model in [None].into_iter().chain(known.iter().copied().map(Some)) {
            let options = model.map_or(Vec::new(), |model| vec!["-cpu", model]);
            let program = [&[qemu, "-L", dir][..], &options].concat();
            let program: Vec<String> = program.into_iter().map(str::to_owned).collect();
            let mut command = Command::new(qemu);
            command.args(&program[1..]).args(root.program("true", false)?);
            match child::run(&mut command, "true") {
                Ok(_) => {
                    ways.push(Way { qemu: Some(version.clone()), model: model.map(str::to_owned), program });
                }
                Err(error) if model.is_none() => return Err(error),
                // It has no such model.
                Err(_) => {}
            }
        }
    }
    Ok(ways)
}

fn is_known(target: Target, name: &str) -> bool {
    target.cpu_models().iter().any(|model| model.name == name)
}

impl Way {
    fn name(&self) -> String {
        match (&self.qemu, &self.model) {
            (None, _) => "native".to_owned(),
            (Some(qemu), None) => format!("QEMU {qemu}"),
            (Some(qemu), Some(model)) => format!("QEMU {qemu}, `{model}`"),
        }
    }
}

/// Does a work, and returns the seconds that the CPU was the user's.
fn run(way: &Way, work: &Work, root: &Root, data: &Data) -> anyhow::Result<f64> {
    let name = if work.program == "python3" { root.python } else { work.program };
    let mut user = 0.0;
    for _ in 0..work.times {
        let words = way.program.iter().cloned().chain(root.program(name, way.qemu.is_none())?);
        let mut words = words.chain(work.arguments.iter().map(|word| data.fill(word)));
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        // A locale as most containers' programs have it; it makes a difference (see the README).
        command.env_clear().env("LC_ALL", "C.UTF-8").env("PYTHONHASHSEED", "0").env("PERL_HASH_SEED", "0");
        user += child::run(&mut command, &format!("{} under {}", work.name, way.name()))?.user;
    }
    Ok(user)
}

/// The programs of a host.
struct Root {
    tree: Tree,
    /// The name of its Python.
    python: &'static str,
    /// The folder with its libraries and the loader, and the loader's name.
    loader: (PathBuf, OsString),
}

impl Root {
    /// Debian has riscv64 in its newest releases alone.
    fn new(packages: &Packages, host: Host) -> anyhow::Result<Root> {
        let is_new = host.debian() == "riscv64";
        let (suite, others) = if is_new { ("sid", &SID[..]) } else { ("bookworm", &BOOKWORM[..]) };
        let names = ROOT.iter().chain(others).map(|name| Package::new(suite, host, name));
        let tree =
            packages.tree(&format!("bench-emulation-{}", host.debian()), &names.collect::<Vec<_>>())?;
        let python = others.last().and_then(|name| name.strip_suffix("-minimal")).unwrap_or_default();
        let loader = loader(tree.path())?;
        Ok(Root { tree, python, loader })
    }

    fn path(&self) -> &Path {
        self.tree.path()
    }

    /// The command line of a program. Natively, it is the root's loader that finds the root's libraries; and where the path that
    /// programs have is an absolute link to it, as amd64's and ppc64el's are, that leads to the machine's own.
    fn program(&self, name: &str, is_native: bool) -> anyhow::Result<Vec<String>> {
        let text = |path: PathBuf| path.into_os_string().into_string().ok().context("a path that is text");
        let (folder, loader) = &self.loader;
        let mut words = Vec::new();
        if is_native || self.has_link() {
            let library_path = "--library-path".to_owned();
            words.extend([text(folder.join(loader))?, library_path, text(folder.clone())?]);
        }
        words.push(text(self.path().join("usr/bin").join(name))?);
        Ok(words)
    }

    fn has_link(&self) -> bool {
        let entries = fs::read_dir(self.path().join("usr/lib64")).into_iter().flatten().flatten();
        entries.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target.is_absolute())
    }
}

/// The folder in `usr/lib` that has the loader, `ld64.so.2` or `ld-linux-x86-64.so.2`.
fn loader(root: &Path) -> anyhow::Result<(PathBuf, OsString)> {
    let list = |folder: &Path| -> anyhow::Result<Vec<OsString>> {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
        Ok(entries.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?)
    };
    let lib = root.join("usr/lib");
    for name in list(&lib)?.iter().filter(|name| name.to_string_lossy().contains("-linux-gnu")) {
        let folder = lib.join(name);
        let is_loader = |name: &OsString| {
            let name = name.to_string_lossy();
            name.starts_with("ld") && name.contains(".so.")
        };
        if let Some(loader) = list(&folder)?.into_iter().find(is_loader) {
            return Ok((folder, loader));
        }
    }
    anyhow::bail!("{} has no loader", lib.display())
}
