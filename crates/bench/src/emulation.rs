//! QEMU itself: what its releases, its CPU models and its linking make of the same programs.
//!
//! A program is started as `qemu-TARGET -L ROOT PROGRAM`, where ROOT is a tree of unpacked packages: no kernel's help, no root
//! file system that was installed, and no privilege.

mod figures;
mod root;
pub mod tables;
mod works;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use arch::{Host, Target};
use debian::Progress;
use results::{Speeds, TargetSpeeds, Way};
use testbed::{Package, Packages, Tree};

use crate::child::{self, Run};
use crate::figure::{Figure, least};
use crate::results::Measured;
use root::{Root, text};
use works::{Data, Work, works};

/// Debian's releases with the package that has the static binaries, the oldest first.
const QEMUS: [(&str, &str); 3] =
    [("bookworm", "qemu-user-static"), ("trixie", "qemu-user"), ("sid", "qemu-user")];

/// The suite whose `qemu-user` is dynamic. Later ones are static.
const DYNAMIC: &str = "bookworm";

/// A machine that the programs are for.
struct Machine {
    host: &'static str,
    /// The suite that has them.
    suite: &'static str,
    /// Models that the newest QEMU is tried with beside the one that is known to be of use.
    models: &'static [&'static str],
}

const fn machine(host: &'static str) -> Machine {
    Machine { host, suite: "bookworm", models: &[] }
}

#[rustfmt::skip]
const MACHINES: [Machine; 7] = [
    Machine { suite: "trixie", models: &["rva22u64"], ..machine("riscv64") },
    machine("arm64v8"),
    Machine { models: &["qemu"], ..machine("s390x") },
    machine("arm32v7"),
    machine("ppc64le"),
    machine("i386"),
    machine("amd64"),
];

/// A locale as most containers' programs have it; it makes a difference (docs/faster.md).
const ENVIRONMENT: [(&str, &str); 3] =
    [("LC_ALL", "C.UTF-8"), ("PYTHONHASHSEED", "0"), ("PERL_HASH_SEED", "0")];

/// The QEMUs, unpacked.
struct Qemus {
    /// With the suffix of their programs.
    fixed: Vec<(&'static str, Tree)>,
    dynamic: Tree,
}

/// A way, with what starts programs so, and what each round took, by work.
struct Measuring {
    way: Way,
    program: Vec<String>,
    rounds: Vec<Vec<Run>>,
}

/// Measures `rounds` times, all ways of a target in turn. The times are kept in `output`.
pub fn emulation(
    title: &str,
    keyrings: &Path,
    rounds: usize,
    output: &Path,
    progress: &dyn Progress,
) -> anyhow::Result<Vec<Figure>> {
    let name = Path::new(results::SPEEDS).file_name().context("the file has a name")?;
    let packages = Packages::of_the_machine(keyrings)?;
    let native = Host::native().context("there are no images for this machine")?;
    let qemus = Qemus::new(&packages, native)?;
    let data = Data::new()?;
    let file = output.join(name);
    let mut speeds = kept(&file, native);
    let mut figures = Vec::new();
    for Machine { host, suite, models } in MACHINES {
        let host: Host = host.parse()?;
        let root = Root::new(&packages, host, suite)?;
        let ways = ways(host, models, &qemus, &root)?;
        // The others are for comparison.
        let rounds = if host.target().cpu_models().is_empty() { rounds.div_ceil(2) } else { rounds };
        data.write_unit(&root.path().join(works::HEADER))?;
        let measured = measure(host.target(), suite, ways, rounds, &root, &data, progress)?;
        figures.extend(figures::of(title, &measured));
        speeds.targets.retain(|other| other.target != measured.target);
        speeds.targets.push(measured);
        // It took minutes: what comes next takes nothing of it away.
        files::write(&file, &(serde_json::to_string_pretty(&speeds)? + "\n"))?;
    }
    Ok(figures)
}

/// The times of this kind of machine that a file has: those of a target stay until it is measured again.
fn kept(file: &Path, native: Host) -> Speeds {
    let kept: Option<Speeds> = fs::read(file).ok().and_then(|json| serde_json::from_slice(&json).ok());
    let none = || Speeds { host: native.name().to_owned(), targets: Vec::new() };
    kept.filter(|speeds| speeds.host == native.name()).unwrap_or_else(none)
}

fn measure(
    target: Target,
    suite: &str,
    mut ways: Vec<Measuring>,
    rounds: usize,
    root: &Root,
    data: &Data,
    progress: &dyn Progress,
) -> anyhow::Result<TargetSpeeds> {
    for round in 1..=rounds {
        for (index, work) in works().enumerate() {
            for Measuring { way, program, rounds } in &mut ways {
                if way.qemu.is_none() && work.has_files {
                    continue;
                }
                let run = run(way, program, work, root, data)?;
                let (name, user) = (way.name(), run.user);
                progress.note(&format!("  {target}, {name}, {}: {user:.2} s, round {round}", work.name));
                rounds[index].push(run);
            }
        }
    }
    let best = |rounds: &[Vec<Run>], of: fn(&Run) -> f64| {
        let best = |runs: &Vec<Run>| least(&runs.iter().map(of).collect::<Vec<_>>());
        // Finer than the kernel's clock is noise.
        let rounded = |runs: &Vec<Run>| (!runs.is_empty()).then(|| (best(runs) * 1000.0).round() / 1000.0);
        rounds.iter().map(rounded).collect()
    };
    let finished = |Measuring { way, rounds, .. }: Measuring| Way {
        user: best(&rounds, |run| run.user),
        wall: best(&rounds, |run| run.wall),
        ..way
    };
    let Measured { date, cores } = Measured::now();
    Ok(TargetSpeeds {
        target: target.name().to_owned(),
        suite: suite.to_owned(),
        date,
        cores,
        rounds,
        works: works().map(|work| work.name.to_owned()).collect(),
        ways: ways.into_iter().map(finished).collect(),
    })
}

impl Qemus {
    fn new(packages: &Packages, native: Host) -> anyhow::Result<Qemus> {
        let fixed = QEMUS.into_iter().map(|(suite, name)| {
            let suffix = if name.ends_with("static") { "-static" } else { "" };
            Ok((suffix, packages.tree(&format!("{name}-{suite}"), &[Package::native(suite, name)])?))
        });
        let fixed = fixed.collect::<anyhow::Result<_>>()?;
        let dynamic = root::tree(packages, "qemu-user-dynamic", native, DYNAMIC, "qemu-user")?;
        Ok(Qemus { fixed, dynamic })
    }
}

/// The ways of a host's programs: none at all where the machine runs them, every QEMU with its own default and with the model
/// that is known to be of use, the newest with `models`, and a dynamic one.
fn ways(host: Host, models: &[&str], qemus: &Qemus, root: &Root) -> anyhow::Result<Vec<Measuring>> {
    let target = host.target();
    let mut ways = Vec::new();
    if Host::native().is_ok_and(|native| native == host) {
        ways.push(Measuring::new(None, None, false, Vec::new()));
    }
    let dir = text(root.path())?;
    let known: Vec<&str> = target.cpu_models().iter().map(|model| model.name).collect();
    for (index, (suffix, tree)) in qemus.fixed.iter().enumerate() {
        let qemu = text(&tree.path().join(format!("usr/bin/qemu-{target}{suffix}")))?;
        let version = version(std::slice::from_ref(&qemu))?;
        let is_newest = index + 1 == qemus.fixed.len();
        let others = models.iter().filter(|model| is_newest && !known.contains(model));
        for model in [None].into_iter().chain(known.iter().chain(others).copied().map(Some)) {
            let options = model.map_or(Vec::new(), |model| vec!["-cpu", model]);
            let program = [&[&qemu, "-L", &dir][..], &options].concat();
            let program: Vec<String> = program.into_iter().map(str::to_owned).collect();
            let mut start = program.clone();
            start.extend(root.program(&root.find("true")?, false)?);
            match child::run(&mut command(&start)?, "true") {
                Ok(_) => ways.push(Measuring::new(Some(&version), model, false, program)),
                Err(error) if model.is_none() => return Err(error),
                // It has no such model.
                Err(_) => {}
            }
        }
    }
    let mut qemu = root::dynamic_qemu(&qemus.dynamic, &format!("qemu-{target}"))?;
    let version = version(&qemu)?;
    qemu.extend(["-L".to_owned(), dir]);
    ways.push(Measuring::new(Some(&version), None, true, qemu));
    Ok(ways)
}

fn version(qemu: &[String]) -> anyhow::Result<String> {
    let printed = child::run(command(qemu)?.arg("--version"), "qemu --version")?.stdout;
    Ok(printed.split_whitespace().nth(2).context("QEMU prints no version")?.to_owned())
}

fn command(words: &[String]) -> anyhow::Result<Command> {
    let (program, arguments) = words.split_first().context("a command without a program")?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(ENVIRONMENT);
    Ok(command)
}

impl Measuring {
    fn new(qemu: Option<&str>, model: Option<&str>, dynamic: bool, program: Vec<String>) -> Measuring {
        let (qemu, model) = (qemu.map(str::to_owned), model.map(str::to_owned));
        let way = Way { qemu, model, dynamic, user: Vec::new(), wall: Vec::new() };
        Measuring { way, program, rounds: works().map(|_| Vec::new()).collect() }
    }
}

/// Does a work as often as it says, and adds up the times.
fn run(way: &Way, program: &[String], work: &Work, root: &Root, data: &Data) -> anyhow::Result<Run> {
    let found = root.find(work.program)?;
    let words = program.iter().cloned().chain(root.program(&found, way.qemu.is_none())?);
    let words: Vec<String> = words.chain(work.arguments.iter().map(|word| data.fill(word))).collect();
    let mut sum = Run::default();
    for _ in 0..work.times {
        data.clear_repository()?;
        let name = format!("{} under {}", work.name, way.name());
        sum = sum.then(&child::run_with(&mut command(&words)?, data.stdin(work)?, &name)?);
    }
    Ok(sum)
}
