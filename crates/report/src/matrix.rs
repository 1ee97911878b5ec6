//! The report's contents: every target on every host. Pure: a lock and sizes in, a table out.

use std::collections::{BTreeMap, BTreeSet};

use arch::{Host, Status, Target};
use builder::{Kind, Sizes};
use debian::QemuVersion;
use debian::lock::{Lock, Package};
use results::{Choices, Results, Speeds};
use serde::Serialize;

use crate::programs::{Chosen, Programs};
use crate::speed::{self, Speed};

/// The whole report; what `--json` prints.
#[derive(Debug, Serialize)]
pub struct Matrix {
    /// Its name in `docker run`: `aptman/qus`.
    pub repository: String,
    /// The sources of emulators, newest first.
    pub editions: Vec<Edition>,
    /// The columns.
    pub hosts: Vec<HostColumn>,
    /// The rows.
    pub targets: Vec<TargetRow>,
    /// Outcomes of real programs.
    pub programs: Programs,
    /// The speed of each QEMU, by target.
    pub speeds: Vec<Speed>,
}

/// One version of QEMU in one suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edition {
    pub suite: String,
    /// The date of the suite's `InRelease`: `2026-10-30`.
    pub date: String,
    /// As in tags: `11.1`.
    pub qemu: QemuVersion,
    /// The number of cells that are taken from it.
    pub cells: usize,
}

/// A machine that images run on.
#[derive(Debug, Serialize)]
pub struct HostColumn {
    pub name: String,
    pub platform: String,
    pub debian: String,
    /// Everything that it is called, `linux/` aside.
    pub names: Vec<String>,
    /// The tag of its only image, if there is none that registers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkg_tag: Option<String>,
    /// The version in its tags.
    pub qemu: String,
    /// The tag of the image that needs no privilege, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_tag: Option<&'static str>,
    /// Compressed size of the image with everything, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// A foreign architecture, with one cell for each host.
#[derive(Debug, Serialize)]
pub struct TargetRow {
    pub name: String,
    /// Everything that it is called, `linux/` aside.
    pub names: Vec<String>,
    /// The values of `--platform` for containers that it runs.
    pub platforms: Vec<String>,
    /// QEMU has dropped it: it is in an image of its own and in no other.
    pub retired: bool,
    /// In the order of the hosts; `None` where Debian has no emulator.
    pub cells: Vec<Option<Cell>>,
}

/// The emulator of one target for one host.
#[derive(Debug, Serialize)]
pub struct Cell {
    /// Its place among the editions.
    pub edition: usize,
    pub qemu: QemuVersion,
    pub suite: String,
    /// `qemu-user 1:11.1.3+ds-1`
    pub package: String,
    /// The target is the host's own architecture: its programs need no emulator.
    pub native: bool,
    /// Every version that there are images with, under tags with a `d` before it: that of the other tags, and then the newest first.
    pub versions: Vec<QemuVersion>,
    /// The choice that results, or a maintainer, made of it; without any, it is the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Chosen>,
    /// Compressed size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl Matrix {
    /// The matrix of `lock`, with the sizes that are known; `repository` is the images' name, and `choices` are what `results` and
    /// maintainers choose for that lock.
    pub fn new(lock: &Lock, sizes: &Sizes, repository: &str, results: &Results, choices: &Choices) -> Matrix {
        let hosts: Vec<Host> = lock.hosts().into_iter().collect();
        let editions = editions(lock, &hosts);
        let series: Vec<Lock> = lock.series().map(|name| lock.of_series(name)).collect();
        let row = |target: Target| {
            let of_host = |&host: &Host| {
                let mut cell = cell((lock, &series), sizes, &editions, host, target)?;
                let choice = choices.cells().get(&(host, target));
                cell.choice = choice.and_then(|choice| Chosen::new(choice, lock, host, target));
                Some(cell)
            };
            let cells: Vec<_> = hosts.iter().map(of_host).collect();
            cells.iter().any(Option::is_some).then(|| target_row(target, cells))
        };
        Matrix {
            // Docker Hub is what a name without a registry means.
            repository: repository.strip_prefix("docker.io/").unwrap_or(repository).to_owned(),
            targets: Target::all().filter_map(row).collect(),
            hosts: hosts.iter().map(|&host| host_column(lock, sizes, host)).collect(),
            programs: Programs::new(lock, results, choices),
            speeds: Vec::new(),
            editions,
        }
    }

    /// The same with the times that were measured, if any were.
    pub fn with_speeds(self, speeds: Option<&Speeds>) -> Matrix {
        Matrix { speeds: speeds.map(speed::of).unwrap_or_default(), ..self }
    }
}

/// Every edition with the number of its cells: by the suites' order, newer versions first.
fn editions(lock: &Lock, hosts: &[Host]) -> Vec<Edition> {
    let mut counts: BTreeMap<(&str, QemuVersion), usize> = BTreeMap::new();
    for package in hosts.iter().flat_map(|&host| lock.qemu(host)) {
        let Some(version) = package.qemu_version() else { continue };
        *counts.entry((&package.suite, version)).or_default() += package.targets().count();
    }
    let mut editions = Vec::new();
    for suite in lock.suites() {
        let of_suite = counts.iter().rev().filter(|((name, _), _)| *name == suite.name);
        editions.extend(of_suite.map(|(&(_, qemu), &cells)| Edition {
            suite: suite.name.clone(),
            date: date(suite.date),
            qemu,
            cells,
        }));
    }
    editions
}

fn date(seconds: i64) -> String {
    let day = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    day.strftime("%Y-%m-%d").to_string()
}

fn cell(
    (lock, series): (&Lock, &[Lock]),
    sizes: &Sizes,
    editions: &[Edition],
    host: Host,
    target: Target,
) -> Option<Cell> {
    let package: &Package = lock.cell(host, target)?;
    let qemu = package.qemu_version()?;
    let edition =
        editions.iter().position(|edition| edition.suite == package.suite && edition.qemu == qemu)?;
    Some(Cell {
        edition,
        suite: package.suite.clone(),
        package: format!("{} {}", package.name, package.version),
        native: host.target() == target,
        versions: {
            let others = series.iter().filter_map(|lock| lock.cell(host, target)?.qemu_version());
            let passed_over = lock.passed_over(host, target).and_then(Package::qemu_version);
            let others: BTreeSet<QemuVersion> =
                others.chain(passed_over).filter(|other| *other != qemu).collect();
            [qemu].into_iter().chain(others.into_iter().rev()).collect()
        },
        choice: None,
        size: sizes.cells.get(&(host, target)).copied(),
        qemu,
    })
}

fn host_column(lock: &Lock, sizes: &Sizes, host: Host) -> HostColumn {
    let version = lock.qemu(host).next().and_then(Package::qemu_version);
    let platform = host.platform().to_string();
    let mut names = vec![host.name(), host.debian(), bare(&platform)];
    names.extend(host.aliases());
    HostColumn {
        name: host.name().to_owned(),
        names: distinct(names),
        debian: host.debian().to_owned(),
        pkg_tag: (!host.has_register()).then(|| format!("{}{}", host.tag(), Kind::Pkg.suffix())),
        qemu: version.map(|version| version.to_string()).unwrap_or_default(),
        run_tag: host.has_run().then(|| Kind::Run.moving_tag()),
        size: sizes.images.get(&host).copied(),
        platform,
    }
}

fn target_row(target: Target, cells: Vec<Option<Cell>>) -> TargetRow {
    let hosts = Host::all().filter(|host| host.target() == target);
    let platforms: Vec<String> = hosts.map(|host| host.platform().normalized().to_string()).collect();
    let mut names = vec![target.name()];
    names.extend(target.aliases());
    let variants: Vec<String> = target.variant_names().collect();
    names.extend(variants.iter().map(String::as_str));
    names.extend(platforms.iter().map(|platform| bare(platform)));
    TargetRow {
        name: target.name().to_owned(),
        names: distinct(names),
        retired: target.status() == Status::Retired,
        platforms,
        cells,
    }
}

/// A platform without its operating system, which is the same for all.
fn bare(platform: &str) -> &str {
    platform.strip_prefix("linux/").unwrap_or(platform)
}

/// Each name once, in the order of its first place.
fn distinct(names: Vec<&str>) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for name in names {
        if !distinct.iter().any(|other| other == name) {
            distinct.push(name.to_owned());
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"version = 1

[[suite]]
name = "sid"
codename = "sid"
date = "2026-10-30T08:08:01Z"
snapshot = "20261030T080801Z"
inrelease = "sha256:5037551e459c8bb49f47a7102c6d836f2bf06c2bd7672e4fb67c2ed61ca7756f"

[[package]]
host = "amd64"
name = "qemu-user"
version = "1:11.1.3+ds-1"
architecture = "amd64"
suite = "sid"
path = "pool/a.deb"
size = 1
digest = "sha256:5fa915e759f314400cf7d64a2745747e6baa50a180c938b3e8d281ce57ede452"
targets = ["aarch64", "x86_64"]

[[package]]
host = "mipsel"
name = "qemu-user"
version = "1:10.2.1+ds-1"
architecture = "mipsel"
suite = "sid"
path = "pool/b.deb"
size = 1
digest = "sha256:77737fa4b34f2693e982cc9ee35736816c35a7778fc2d326cc1bbf5b301fe1aa"
targets = ["aarch64"]
"#;

    #[test]
    fn a_cell_is_where_the_lock_has_one() {
        let lock = Lock::parse(LOCK).unwrap();
        let mut sizes = Sizes::default();
        sizes.cells.insert(("amd64".parse().unwrap(), "aarch64".parse().unwrap()), 3_800_000);
        let matrix =
            Matrix::new(&lock, &sizes, "docker.io/aptman/qus", &Results::default(), &Choices::default());
        let seen: Vec<_> = matrix
            .targets
            .iter()
            .flat_map(|row| matrix.hosts.iter().zip(&row.cells).map(move |(host, cell)| (row, host, cell)))
            .map(|(row, host, cell)| {
                let cell = cell.as_ref().map(|cell| (cell.edition, cell.native, cell.size));
                (row.name.as_str(), host.name.as_str(), cell)
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("aarch64", "amd64", Some((0, false, Some(3_800_000)))),
                ("aarch64", "mipsel", Some((1, false, None))),
                ("x86_64", "amd64", Some((0, true, None))),
                ("x86_64", "mipsel", None),
            ]
        );
        let editions: Vec<_> = matrix.editions.iter().map(|e| (e.qemu.to_string(), e.cells)).collect();
        assert_eq!(editions, [("11.1".to_owned(), 2), ("10.2".to_owned(), 1)]);
        assert_eq!(matrix.repository, "aptman/qus");
        assert_eq!(matrix.hosts[0].pkg_tag, None);
        assert_eq!(matrix.hosts[1].pkg_tag.as_deref(), Some("mips-pkg"));
        assert_eq!(matrix.hosts.iter().map(|host| host.run_tag).collect::<Vec<_>>(), [Some("run"), None]);
        assert_eq!(matrix.targets[0].platforms, ["linux/arm64"]);
        assert_eq!(matrix.targets[0].names, ["aarch64", "arm64", "arm64v8", "armv8", "arm64/v8", "arm64/v9"]);
    }
}
