//! QEMU itself: what its releases and its CPU models make of the same programs, in CPU time of the user's.
//!
//! A program is started as `qemu-TARGET -L ROOT PROGRAM`, where ROOT is a tree of unpacked packages: no kernel's help, no root
//! file system that was installed, and no privilege.

mod figures;
mod works;

use std::path::Path;
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
        let (root, python) = root(&packages, host)?;
        let ways = ways(host, models, &qemus, root.path())?;
        let mut measured: Vec<Measured> =
            ways.into_iter().map(|way| Measured { way, rounds: vec![Vec::new(); WORKS.len()] }).collect();
        for round in 1..=rounds {
            for (index, work) in WORKS.iter().enumerate() {
                for Measured { way, rounds } in &mut measured {
                    let user = run(way, work, root.path(), python, &data)?;
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

/// The programs of a host, and which of them is Python. Debian has riscv64 in its newest releases alone.
fn root(packages: &Packages, host: Host) -> anyhow::Result<(Tree, &'static str)> {
    let (suite, others) =
        if host.debian() == "riscv64" { ("sid", &SID[..]) } else { ("bookworm", &BOOKWORM[..]) };
    let names = ROOT.iter().chain(others).map(|name| Package::new(suite, host, name));
    let tree = packages.tree(&format!("bench-emulation-{}", host.debian()), &names.collect::<Vec<_>>())?;
    Ok((tree, others.last().and_then(|name| name.strip_suffix("-minimal")).unwrap_or_default()))
}

/// The ways of a host's programs: every QEMU with its own default, and with each model that it has.
fn ways(host: Host, models: &[&str], qemus: &[(&str, Tree)], root: &Path) -> anyhow::Result<Vec<Way>> {
    let target = host.target();
    let known = target.cpu_models().iter().map(|model| model.name);
    let known: Vec<&str> =
        known.chain(models.iter().copied().filter(|name| !is_known(target, name))).collect();
    let mut ways = Vec::new();
    if Host::native().is_ok_and(|native| native == host) {
        ways.push(Way { qemu: None, model: None, program: Vec::new() });
    }
    let root = root.to_str().context("a path that is text")?;
    for (package, tree) in qemus {
        let suffix = if package.ends_with("static") { "-static" } else { "" };
        let qemu = tree.path().join(format!("usr/bin/qemu-{target}{suffix}"));
        let qemu = qemu.to_str().context("a path that is text")?;
        let version = child::run(Command::new(qemu).arg("--version"), "qemu --version")?.stdout;
        let version = version.split_whitespace().nth(2).context("QEMU prints no version")?.to_owned();
        for model in [None].into_iter().chain(known.iter().copied().map(Some)) {
            let options = model.map_or(Vec::new(), |model| vec!["-cpu", model]);
            let program = [&[qemu, "-L", root][..], &options].concat();
            let program: Vec<String> = program.into_iter().map(str::to_owned).collect();
            let mut command = Command::new(qemu);
            command.args(&program[1..]).arg(format!("{root}/usr/bin/true"));
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
fn run(way: &Way, work: &Work, root: &Path, python: &str, data: &Data) -> anyhow::Result<f64> {
    let mut user = 0.0;
    for _ in 0..work.times {
        let name = if work.program == "python3" { python } else { work.program };
        let program = root.join("usr/bin").join(name);
        let mut words = way.program.clone();
        words.push(program.to_str().context("a path that is text")?.to_owned());
        // Natively, it is the root's loader that finds the root's libraries.
        if way.qemu.is_none() {
            words = native(root, words)?;
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(work.arguments.iter().map(|word| data.fill(word)));
        // As in most containers; it makes a difference (see the README).
        command.env_clear().env("LC_ALL", "C.UTF-8").env("PYTHONHASHSEED", "0").env("PERL_HASH_SEED", "0");
        user += child::run(&mut command, &format!("{} under {}", work.name, way.name()))?.user;
    }
    Ok(user)
}

fn native(root: &Path, words: Vec<String>) -> anyhow::Result<Vec<String>> {
    let library = |name: &str| {
        let path = root.join(name);
        path.to_str().map(str::to_owned).context("a path that is text")
    };
    let loader = [library("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")?, "--library-path".to_owned()];
    Ok(loader.into_iter().chain([library("usr/lib/x86_64-linux-gnu")?]).chain(words).collect())
}
