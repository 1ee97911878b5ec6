//! `run` against the kernel's own binfmt_misc: the same programs for another machine, in turn, in one sandbox.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use arch::Host;
use debian::Progress;
use testbed::sandbox::{Options, SHARED};
use testbed::{Package, Packages, Sandbox};

use crate::child;
use crate::figure::{Figure, Goal, Unit, least};

/// The machine that the programs are for.
const FOREIGN: &str = "arm64v8";

/// The ways of having foreign programs run. The first is what the others are measured against.
const WAYS: [&str; 3] = ["kernel", "notify", "trace"];

/// The work that is done in each way.
struct Work {
    what: &'static str,
    /// For the foreign shell.
    script: &'static str,
    /// The most that it may take in the ways but the first, in the time of the first.
    goals: [f64; 2],
    /// Undoes it, untimed.
    undo: Option<&'static str>,
}

const fn work(what: &'static str, goals: [f64; 2], script: &'static str) -> Work {
    Work { what, script, goals, undo: None }
}

#[rustfmt::skip]
const WORKS: [Work; 5] = [
    work("500 execs", [1.05, 1.08], "i=0; while [ $i -lt 500 ]; do /bin/busybox true; i=$((i+1)); done"),
    work("1000 forks", [1.05, 1.45], "i=0; while [ $i -lt 1000 ]; do (:); i=$((i+1)); done"),
    // Long enough for a bar of 2 %: the start of `run` counts, too.
    work("`find` and `stat`", [1.02, 1.02],
        "for i in 1 2 3 4 5 6 7 8 9 10; do find / -xdev -print0 | xargs -0 stat -c '%s %n' | sha256sum; done"),
    Work { undo: Some("dpkg --purge hello jq libjq1 libonig5 tree"),
        ..work("`apt-get install`", [1.05, 1.10], "apt-get -qq -y install /debs/*.deb > /dev/null 2>&1 && hello") },
    work("4 loops of 125 execs at a time", [1.08, 1.15],
        "for j in 1 2 3 4; do (i=0; while [ $i -lt 125 ]; do /bin/busybox true; i=$((i+1)); done) & done; wait"),
];

/// The programs of the foreign root, with the libraries that they load.
const ROOT: &str = "
    apt busybox-static coreutils dash diffutils dpkg findutils libacl1 libapt-pkg6.0 libattr1 libbz2-1.0
    libc-bin libc6 libcap2 libffi8 libgcc-s1 libgcrypt20 libgmp10 libgnutls30 libgpg-error0 libhogweed6
    libidn2-0 liblz4-1 liblzma5 libmd0 libnettle8 libp11-kit0 libpcre2-8-0 libseccomp2 libselinux1 libstdc++6
    libsystemd0 libtasn1-6 libudev1 libunistring2 libxxhash0 libzstd1 sed tar tzdata util-linux zlib1g";

/// The packages that are installed in it.
const INSTALLED: &str = "hello jq libjq1 libonig5 tree";

/// The seconds that one round of a work took: on the clock, and of CPU time, the supervisor's included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    wall: f64,
    cpu: f64,
}

/// The rounds of each work, in the order of [`WORKS`] and [`WAYS`].
pub(crate) type Measured = Vec<[Vec<Round>; WAYS.len()]>;

/// Measures `rounds` times in turn. `qemu` is a folder with the binaries, `programs` are `run` and `register`.
pub(crate) fn run(
    packages: &Packages,
    qemu: &Path,
    programs: (&Path, &Path),
    rounds: usize,
    progress: &dyn Progress,
) -> anyhow::Result<Measured> {
    let (run, register) = programs;
    let foreign: Host = FOREIGN.parse()?;
    let [root, installed] = [ROOT, INSTALLED].map(|names| Package::list("bookworm", foreign, names));
    let tree = packages.tree("bench-run", &root)?;
    let folder = |program: &Path| program.parent().map(Path::to_owned).context("a program has a folder");
    let mut binds = vec![qemu.to_owned(), tree.path().to_owned(), folder(run)?, folder(register)?];
    binds.dedup();
    let sandbox = Sandbox::start(packages, &Options { binds, ..Options::default() })?;
    let word = |path: &Path| path.to_str().map(str::to_owned).context("a path of this machine is not UTF-8");
    let (run, register, qemu, tree) = (word(run)?, word(register)?, word(qemu)?, word(tree.path())?);

    let (debs, place) = (format!("{SHARED}/debs"), format!("{SHARED}/root"));
    copy(packages, &root, &sandbox.shared().join("debs"))?;
    sandbox.write("/root/run.sh", include_str!("run.sh"))?;
    sandbox.run(&["sh", "/root/run.sh", &tree, &debs, &place])?;
    copy(packages, &installed, &sandbox.shared().join("root/debs"))?;
    sandbox.run(&[&register, "--", "-p", "--no-check", "-Q", &qemu, "aarch64"])?;

    let in_way = |way: &str, script: &str| -> anyhow::Result<(Round, String)> {
        let status = u8::from(way == WAYS[0]);
        sandbox.run(&["sh", "-c", &format!("echo {status} > /proc/sys/fs/binfmt_misc/status")])?;
        let mut command = match way {
            "kernel" => sandbox.command("chroot"),
            mode => {
                let mut command = sandbox.command(&run);
                command.args(["--mode", mode, "--qemu-dir", &qemu, "--root"]);
                command
            }
        };
        command.args([place.as_str(), "/bin/sh", "-c", script]);
        let before = cpu(&sandbox)?;
        let run = child::run(&mut command, &format!("{script} ({way})"))?;
        Ok((Round { wall: run.wall, cpu: cpu(&sandbox)? - before }, run.stdout))
    };
    let mut measured = Measured::new();
    for work in &WORKS {
        let mut of_work = WAYS.map(|_| Vec::new());
        for round in 1..=rounds {
            let mut printed = None;
            for (way, times) in WAYS.into_iter().zip(&mut of_work) {
                let (took, stdout) = in_way(way, work.script)?;
                let (wall, cpu) = (took.wall, took.cpu);
                progress
                    .note(&format!("  {}, round {round}, {way}: {wall:.2} s ({cpu:.2} s of CPU)", work.what));
                times.push(took);
                if *printed.get_or_insert_with(|| stdout.clone()) != stdout {
                    bail!("{}: `{way}` does not do what the kernel does:\n{stdout}", work.what);
                }
                if let Some(undo) = work.undo {
                    in_way(WAYS[0], undo)?;
                }
            }
        }
        measured.push(of_work);
    }
    Ok(measured)
}

fn copy(packages: &Packages, names: &[Package], to: &Path) -> anyhow::Result<()> {
    fs::create_dir(to).with_context(|| format!("cannot create {}", to.display()))?;
    for (package, deb) in names.iter().zip(packages.debs(names)?) {
        let to = to.join(&package.name).with_added_extension("deb");
        fs::copy(&deb.path, &to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

/// The CPU time that everything in the sandbox has taken until now: a supervisor is nobody's child, of whom a parent would know.
fn cpu(sandbox: &Sandbox) -> anyhow::Result<f64> {
    let file = sandbox.cgroup().join("cpu.stat");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let usage = text.lines().find_map(|line| line.strip_prefix("usage_usec ")?.parse::<f64>().ok());
    Ok(usage.with_context(|| format!("{} has no `usage_usec`", file.display()))? / 1e6)
}

/// The time of each way in that of the kernel's.
pub(crate) fn figures(title: &str, measured: &Measured) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (work, [kernel, others @ ..]) in WORKS.iter().zip(measured) {
        let (walls, cpus) = of(kernel);
        for ((way, rounds), goal) in WAYS[1..].iter().zip(others).zip(work.goals) {
            let what = format!("{}, `run --mode {way}` against the kernel", work.what);
            let (wall, cpu) = of(rounds);
            let how = format!(
                "least of {} / least of {}; CPU time {:.2}x",
                spread(&wall),
                spread(&walls),
                least(&cpu) / least(&cpus)
            );
            let value = least(&wall) / least(&walls);
            let figure = Figure::new(title, &what, Unit::Times, value, how);
            figures.push(figure.of(rounds.len()).goal(Goal::AtMost(goal)));
        }
    }
    figures
}

fn of(rounds: &[Round]) -> (Vec<f64>, Vec<f64>) {
    rounds.iter().map(|round| (round.wall, round.cpu)).unzip()
}

/// The least and the most, for the reader to judge: `1.20 to 1.31 s`.
fn spread(values: &[f64]) -> String {
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{:.2} to {most:.2} s", least(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_is_measured_against_the_kernel() {
        let rounds = |walls: [f64; 2]| walls.map(|wall| Round { wall, cpu: wall / 2.0 }).to_vec();
        let measured: Measured = vec![[rounds([2.0, 4.0]), rounds([2.2, 2.1]), rounds([3.0, 2.0])]];
        let figures = figures("run", &measured);
        let seen: Vec<_> =
            figures.iter().map(|figure| (figure.what.as_str(), figure.value, figure.met())).collect();
        assert_eq!(
            seen,
            [
                ("500 execs, `run --mode notify` against the kernel", 1.05, Some(true)),
                ("500 execs, `run --mode trace` against the kernel", 1.0, Some(true)),
            ]
        );
        assert_eq!(figures[0].how, "least of 2.10 to 2.20 s / least of 2.00 to 4.00 s; CPU time 1.05x");
        assert_eq!(figures[0].runs, 2);
    }
}
