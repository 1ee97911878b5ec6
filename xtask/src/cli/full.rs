//! The commands that need the feature `full`. Without it they are known all the same, and nobody reads what was given.

#![cfg_attr(not(feature = "full"), allow(dead_code, reason = "the program that has `full` reads these"))]

use std::num::NonZero;
use std::path::PathBuf;

use arch::{Host, Target};
use clap::{Args, Subcommand, ValueEnum};

use super::value::{at_least_one, named};
use super::{RegistryArgs, Sources, folder};
use builder::packing::Level;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Resolve every (host, target) against Debian's archive and write images/debian.lock
    Lock(LockArgs),
    /// Write the files of a release: tarballs, `register`, test programs, completions, SHA256SUMS
    Release(ReleaseArgs),
    /// Sign images at a registry, in cosign's form
    Sign(SignArgs),
    /// Measure speed, size and memory on the real packages, next to what they should be
    Bench(BenchArgs),
    /// Write which targets there are on which host, as a page and as Markdown
    Report(ReportArgs),
    /// Run every test; what can't run here is said, and in CI is a failure
    Test(TestArgs),
    /// Bring the parts of the documentation that are made from the code up to date
    Docs(DocsArgs),
    /// Try the ways of using qus end to end, on real engines and a real kernel
    E2e(E2eArgs),
    /// Run real programs of Debian for other machines under each QEMU: which pass, and how long they take
    Conformance(ConformanceArgs),
    /// Write manual pages and shell completions, for `register` and for these commands
    Man(ManArgs),
}

/// An engine of the testbed, which alone knows their names.
#[cfg(feature = "full")]
type Engine = testbed::Engine;
#[cfg(not(feature = "full"))]
type Engine = String;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask lock --check                   is there something newer? (exit 1 if so)
  cargo xtask lock --check --report new.md   the same, and the text of a pull request
  cargo xtask lock                           take it
  cargo xtask lock --allow-expired sid --without trixie/armel")]
pub(crate) struct LockArgs {
    /// Only compare with the archive: print what is newer or new, exit 1 if anything that is locked changes
    #[arg(long)]
    pub(crate) check: bool,
    /// Of the C library that `register` is linked with (images/libc.lock) rather than of what is in the images
    #[arg(long)]
    pub(crate) libc: bool,
    /// Accept this suite's metadata after its Valid-Until date (repeatable, or with commas)
    #[arg(long, value_name = "SUITE", value_delimiter = ',')]
    pub(crate) allow_expired: Vec<String>,
    /// Accept this suite although it, or a package from it, is older than in the lock (repeatable, or with commas)
    #[arg(long, value_name = "SUITE", value_delimiter = ',')]
    pub(crate) allow_older: Vec<String>,
    /// Do without this suite for this Debian architecture, as when a mirror is skewed (repeatable, or with commas)
    #[arg(long, value_name = "SUITE/ARCH", value_delimiter = ',')]
    pub(crate) without: Vec<String>,
    /// Print what --check found as Markdown
    #[arg(long, requires = "check", conflicts_with = "json")]
    pub(crate) markdown: bool,
    /// Write what differs, and what is new, into this file (`-` for stdout) as Markdown, if there is anything: the text of a
    /// pull request
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask release                                   every file of a release
  cargo xtask release --host amd64 --target aarch64 --output here
  cd target/release-assets && sha256sum -c SHA256SUMS")]
pub(crate) struct ReleaseArgs {
    /// Only what runs on this host (repeatable, or with commas)
    #[arg(long, value_name = "HOST", value_delimiter = ',', value_parser = named::<Host>(Host::all().map(Host::name)))]
    pub(crate) host: Vec<Host>,
    /// Only what is for this target (repeatable, or with commas)
    #[arg(long, value_name = "TARGET", value_delimiter = ',', hide_possible_values = true, value_parser = named::<Target>(Target::all().map(Target::name)))]
    pub(crate) target: Vec<Target>,
    /// Write the files here; what an earlier run wrote here and is not asked for any more is removed
    #[arg(long, value_name = "DIR", default_value = "target/release-assets", value_parser = folder())]
    pub(crate) output: PathBuf,
    /// Take the binaries from this layout, after making there what it lacks
    #[arg(long, value_name = "DIR", default_value = "target/images", value_parser = folder())]
    pub(crate) layout: PathBuf,
    /// How hard binaries are compressed
    #[arg(long, value_name = "LEVEL", default_value = "best")]
    pub(crate) level: Level,
    /// How many binaries to compress at the same time; for gzip, also how many hosts' packages to decode [default: the number
    /// of cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) jobs: Option<NonZero<usize>>,
    /// Print which files would be made, and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out qus.key
  openssl pkey -in qus.key -pubout -out qus.pub
  cargo xtask sign --key qus.key --dry-run target/images     what would be signed of what was pushed
  cargo xtask sign --key qus.key target/images
  cargo xtask sign --key qus.key docker.io/aptman/qus:latest
  cargo xtask verify --key qus.pub docker.io/aptman/qus:latest")]
pub(crate) struct SignArgs {
    /// Images at a registry, or the layout that was pushed: its tags' images, and those that they list
    #[arg(value_name = "LAYOUT|REFERENCE", required = true)]
    pub(crate) what: Vec<String>,
    /// The private key (ECDSA on P-256, PKCS#8 as PEM), or `-` for stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The name that a layout was pushed under [default: images.toml's, docker.io/aptman/qus]
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Option<String>,
    /// Sign the images as being in this repository, as of a mirror [default: where they are]
    #[arg(long, value_name = "NAME")]
    pub(crate) signed_as: Option<String>,
    /// Print which images would be signed, and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the images and their signatures as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// One benchmark, by the name that it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// Everything from packages that are there, against the shell flow; memory, busy cores
    Cold,
    /// A build when nothing has changed
    Unchanged,
    /// The sizes of downloads
    Sizes,
    /// A push of what the registry has
    Push,
    /// `register -p` against a shell that writes the same lines
    Register,
    /// `run` in its own modes against the kernel's binfmt_misc; long, so only when it is asked for
    Run,
    /// QEMU's releases and CPU models by the same programs; long, so only when it is asked for
    Emulation,
    /// A release's images for every host, at the level of a push; long, so only when it is asked for
    Release,
    /// The first run on a new machine: compiling, `register`, packages, layers; long, so only when it is asked for
    FirstRun,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask bench                     everything but `run`, `emulation`, `release` and `first-run`; about ten minutes on two cores
  cargo xtask bench cold register       two of them; the others keep the figures that they had
  cargo xtask bench --list")]
pub(crate) struct BenchArgs {
    /// Run these only
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<Name>,
    /// Say which there are, and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// How often the long ones are measured; the least counts
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u8).range(1..=50))]
    pub(crate) runs: u8,
    /// Also write the results here
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Keep results.json here, and the table in README.md up to date; from the workspace
    #[arg(long, value_name = "DIR", default_value = "benches")]
    pub(crate) output: PathBuf,
    /// Make the table from results.json, and measure nothing
    #[arg(long, conflicts_with_all = ["names", "list"])]
    pub(crate) redraw: bool,
    /// Where downloads and results are kept [default: $QUS_CACHE_DIR, $XDG_CACHE_HOME/qus, ~/.cache/qus]
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask report                          target/report/index.html and report.md
  cargo xtask report --json | jq '.targets[] | select(.name == \"aarch64\")'")]
pub(crate) struct ReportArgs {
    /// Take sizes from this layout [default: target/images, or no sizes if it is not there]
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub(crate) layout: Option<PathBuf>,
    /// Write index.html and report.md here
    #[arg(long, value_name = "DIR", default_value = "target/report", value_parser = folder())]
    pub(crate) output: PathBuf,
    /// Print the report as JSON, too
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments that select every test of the workspace, as one compilation for all.
pub(crate) const TESTS: [&str; 3] = ["--workspace", "--all-features", "--locked"];

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask test                  everything
  cargo xtask test -- lock          the tests whose names have `lock` in them")]
pub(crate) struct TestArgs {
    /// Passed on to `cargo test`
    #[arg(last = true)]
    pub(crate) args: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DocsArgs {
    /// Write nothing; exit 1 if a page is not as it should be
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask e2e                          every job on Docker 28, and those in which engines differ on the others
  cargo xtask e2e f F --engine podman      two jobs on podman
  cargo xtask e2e --layout target/images   on images that were built before
  cargo xtask e2e --second-stage arm64     Debian for arm64, installed under `run`
  cargo xtask e2e --list                   what each job does
  cargo xtask e2e --list --json            the same for a program to read")]
pub(crate) struct E2eArgs {
    /// Jobs to run [default: all]
    #[arg(value_name = "JOB")]
    pub(crate) jobs: Vec<String>,
    /// Run the jobs on this engine: docker20, docker28, docker28-containerd or podman (repeatable, or with commas)
    #[arg(long, value_name = "ENGINE", value_delimiter = ',')]
    pub(crate) engine: Vec<Engine>,
    /// Test the images of this layout as they are [default: images of its own, built first in target/test-images]
    #[arg(long, value_name = "DIR")]
    pub(crate) layout: Option<PathBuf>,
    /// Instead of jobs, boot machines with old and foreign kernels, and try register and run there; JOBs are their names, or
    /// those of hosts
    #[arg(long, conflicts_with_all = ["engine", "markdown"])]
    pub(crate) machines: bool,
    /// Instead of jobs, install Debian for other machines: debootstrap's second stage under `run`, in each of its modes; some minutes
    /// for each of JOBs, which are targets
    #[arg(long, conflicts_with_all = ["engine", "machines", "markdown", "parallel", "sabotage"])]
    pub(crate) second_stage: bool,
    /// Print the jobs, and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// Print the seventeen setups as the documentation shows them, and stop
    #[arg(long)]
    pub(crate) markdown: bool,
    /// Print the result, or with --list the jobs, as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// How many jobs or machines to run at the same time [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) parallel: Option<NonZero<usize>>,
    /// Test the test: remove all entries before each foreign program is run, so that jobs have to fail
    #[arg(long)]
    pub(crate) sabotage: bool,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask conformance --quick                          three targets, ten workloads, the QEMU of the images
  cargo xtask conformance --target arm64,riscv64           two targets, under each QEMU
  cargo xtask conformance --qemu ./qemu-aarch64            a QEMU of your own, alone
  cargo xtask conformance --qemu ./qemu-aarch64 --series newest --workload git,perl
  cargo xtask conformance --target riscv64 --cpu auto      with the CPU model that `run` and `register --cpu` choose
  cargo xtask conformance --target s390x --record          and write what came of it into images/conformance.toml
  cargo xtask conformance --list                           workloads, targets and series")]
pub(crate) struct ConformanceArgs {
    /// Run the programs of this target (repeatable, or with commas)
    #[arg(long, value_name = "TARGET", value_delimiter = ',')]
    pub(crate) target: Vec<String>,
    /// Run this workload (repeatable, or with commas)
    #[arg(long, value_name = "WORKLOAD", value_delimiter = ',')]
    pub(crate) workload: Vec<String>,
    /// Under Debian's QEMU of this series: bookworm (7.2), trixie (10.0) or newest, that of the images (repeatable, or with
    /// commas) [default: each, or none with --qemu]
    #[arg(long, value_name = "SERIES", value_delimiter = ',')]
    pub(crate) series: Vec<String>,
    /// Under this file, a static QEMU (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) qemu: Vec<PathBuf>,
    /// With this CPU model: auto, which `run` and `register --cpu` choose, qemu, its own default, or a model's name
    /// [default: qemu]
    #[arg(long, value_name = "MODEL")]
    pub(crate) cpu: Option<String>,
    /// Take the programs from this suite [default: bookworm, or the first that has the target]
    #[arg(long, value_name = "SUITE")]
    pub(crate) suite: Option<String>,
    /// Of what is not named, take the quick part only: three targets, ten workloads, the QEMU of the images
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print the workloads, targets and series, and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// How many seconds a workload may take [default: 300 or, for long ones, 900]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) limit: Option<NonZero<u64>>,
    /// Write the outcomes of Debian's QEMUs into this file, in place of those that it has of the same workloads
    /// [default: images/conformance.toml]
    #[arg(long, value_name = "FILE", require_equals = true, conflicts_with_all = ["qemu", "cpu", "limit", "list"])]
    pub(crate) record: Option<Option<PathBuf>>,
    /// How many workloads to run at the same time [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) parallel: Option<NonZero<usize>>,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo xtask man target/man && man -l target/man/register.1")]
pub(crate) struct ManArgs {
    /// Where to write them
    #[arg(value_name = "DIR", default_value = "target/man", value_parser = folder())]
    pub(crate) dir: PathBuf,
}
