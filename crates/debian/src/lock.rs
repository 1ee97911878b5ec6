//! `images/debian.lock`: every package that a build uses, pinned, and what each is for.
//!
//! A [`Lock`] is consistent by construction: every package's suite is there, every (host, target) cell comes from one
//! package, every host's packages have a fixed order. The file is made by machines and read by people: sorted, one fact
//! a line, so that a change of one package is a change of a few lines.
//!
//! A lock has series. The first takes each cell from the newest suite that has it; each other one is a suite alone, with all
//! that it has. A package that several series use is there once. A cell may be taken from an older series by choice; the newer
//! package then says that the target was passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use arch::{Host, Target};
use base::Hint;
use http::Address;
use sha256::Digest;

use crate::about::Source;
use crate::mirror::{self, Mirror};
use crate::version::{FullVersion, QemuVersion};
use crate::{date, limits};

mod choice;
mod display;
mod parse;
#[cfg(feature = "openpgp")]
pub mod summary;

pub use parse::ParseError;

/// The name of the series that takes each cell from the newest suite that has it.
pub const NEWEST: &str = "newest";
/// The package that holds busybox.
pub const BUSYBOX: &str = "busybox-static";
/// The seconds after which the snapshot archive has certainly copied what a suite had: it does so four times a day.
const COPIED: i64 = 6 * 3600;
/// The package that holds the C library to link static programs with.
pub const LIBC: &str = "musl-dev";

/// A suite as it was when the lock was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// The name that it was asked for by: `sid`.
    pub name: String,
    /// Its codename.
    pub codename: String,
    /// The date of its `InRelease`, unix seconds.
    pub date: i64,
    /// The digest of its `InRelease`.
    pub inrelease: Digest,
    /// Its `Valid-Until` was past, which `--allow-expired` allowed.
    pub allow_expired: bool,
    /// It, or a package from it, was older than in the lock before, which `--allow-older` allowed.
    pub allow_older: bool,
    /// The hosts for which it was passed over, by `--without`.
    pub without: BTreeSet<Host>,
}

impl Suite {
    /// The moment in Debian's snapshot archive: `20260711T101637Z`.
    pub fn snapshot(&self) -> String {
        date::compact(self.date)
    }
}

/// The purpose of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Holds QEMU; these targets are taken from it. Empty only if it is of a series alone, or all in it were passed over.
    Qemu(BTreeSet<Target>),
    /// Holds busybox.
    Busybox,
    /// Holds the C library that `register` is linked with.
    Libc,
}

impl Role {
    /// The place among a host's packages.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Role::Qemu(_) => 0,
            Role::Busybox => 1,
            Role::Libc => 2,
        }
    }
}

/// One pinned .deb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Debian's name: `qemu-user`.
    pub name: String,
    /// The host that it is for, and with it Debian's architecture.
    pub host: Host,
    /// The suite that it is from.
    pub suite: String,
    /// Debian's version: `1:11.1.3+ds-1`.
    pub version: String,
    /// The path from a mirror's base.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
    /// Its purpose.
    pub role: Role,
    /// The targets that the series of its suite has: all in it. Empty if its suite is no series.
    pub series: BTreeSet<Target>,
    /// The targets in it that would be taken from it by age, and are taken from an older series by choice.
    pub passed_over: BTreeSet<Target>,
}

impl Package {
    /// The targets taken from it for the newest of each; only packages of QEMU have any.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        let targets = match &self.role {
            Role::Qemu(targets) => Some(targets),
            Role::Busybox | Role::Libc => None,
        };
        targets.into_iter().flatten().copied()
    }

    /// True if the newest of each target need it.
    pub fn is_of_newest(&self) -> bool {
        !matches!(&self.role, Role::Qemu(targets) if targets.is_empty())
    }

    /// The version of the QEMU in it; every package of QEMU in a [`Lock`] has one.
    pub fn qemu_version(&self) -> Option<QemuVersion> {
        QemuVersion::of_package(&self.version).filter(|_| matches!(self.role, Role::Qemu(_)))
    }

    /// The whole version of the QEMU in it, if that was released.
    pub fn full_version(&self) -> Option<FullVersion> {
        FullVersion::of_package(&self.version).filter(|_| matches!(self.role, Role::Qemu(_)))
    }
}

/// The description of a source package (.dsc), pinned. It names each file of the source by SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dsc {
    /// The path from a mirror's base.
    pub path: String,
    /// Its digest.
    pub digest: Digest,
}

/// All packages of all hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// In the order of preference.
    suites: Vec<Suite>,
    /// By host, then by role, then by the suite's place.
    packages: Vec<Package>,
    /// Of the sources that the packages are built from, those whose description is known. A lock of before there were any has
    /// none.
    sources: BTreeMap<Source, Dsc>,
}

/// The reason why suites and packages make no lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistent {
    /// The same suite twice.
    #[error("suite `{0}` is there twice")]
    SuiteTwice(String),
    /// From nowhere.
    #[error("package `{name}` for host `{host}` is from suite `{suite}`, which is not there")]
    NoSuite {
        /// The package.
        name: String,
        /// Its host.
        host: Host,
        /// The suite named.
        suite: String,
    },
    /// One cell, two packages.
    #[error("target `{target}` for host `{host}` is taken from two packages")]
    CellTwice {
        /// The host.
        host: Host,
        /// The target.
        target: Target,
    },
    /// One host, two busyboxes.
    #[error("busybox for host `{0}` is taken from two packages")]
    BusyboxTwice(Host),
    /// One source, two descriptions.
    #[error("source `{}` {} is there twice", .0.name, .0.version)]
    SourceTwice(Source),
    /// One host, two C libraries.
    #[error("the C library for host `{0}` is taken from two packages")]
    LibcTwice(Host),
    /// One host, two packages of a series.
    #[error("series `{series}` has two packages for host `{host}`")]
    SeriesTwice {
        /// The host.
        host: Host,
        /// The series.
        series: String,
    },
    /// A cell that a series does not have.
    #[error("series `{series}` has no target `{target}` for host `{host}`")]
    NoCell {
        /// The host.
        host: Host,
        /// The target.
        target: Target,
        /// The series.
        series: String,
    },
    /// A series of what is no QEMU.
    #[error("package `{name}` for host `{host}` has targets of a series and holds no QEMU")]
    SeriesOfOther {
        /// The package.
        name: String,
        /// Its host.
        host: Host,
    },
    /// A target that is passed over, and that no older suite has.
    #[error(
        "target `{target}` for host `{host}` is passed over in suite `{suite}`, and taken from no older one"
    )]
    PassedOver {
        /// The host.
        host: Host,
        /// The target.
        target: Target,
        /// The suite.
        suite: String,
    },
    /// A package of QEMU that nothing is taken from.
    #[error("package `{name}` for host `{host}` has an empty list of targets")]
    NoTargets {
        /// The package.
        name: String,
        /// Its host.
        host: Host,
    },
    /// A package of QEMU whose version tags cannot name.
    #[error("package `{name}` for host `{host}` has version `{version}`, which is none of QEMU's")]
    NoVersion {
        /// The package.
        name: String,
        /// Its host.
        host: Host,
        /// Its version.
        version: String,
    },
}

/// The reason why a lock file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: String,
        /// The reason.
        #[source]
        error: std::io::Error,
    },
    /// The file is no lock.
    #[error("cannot read {path}")]
    Parse {
        /// The file.
        path: String,
        /// The place, and the problem.
        #[source]
        error: ParseError,
    },
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: String,
        /// The reason.
        #[source]
        error: std::io::Error,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::Read { error, .. } if error.kind() == std::io::ErrorKind::NotFound => {
                Some("`cargo xtask lock` makes it".to_owned())
            }
            Error::Parse { .. } => Some("`cargo xtask lock` makes it anew".to_owned()),
            _ => None,
        }
    }
}

impl Lock {
    /// Puts packages in order and checks that they fit together.
    pub fn new(suites: Vec<Suite>, mut packages: Vec<Package>) -> Result<Lock, Inconsistent> {
        let mut places = BTreeMap::new();
        for (place, suite) in suites.iter().enumerate() {
            if places.insert(suite.name.clone(), place).is_some() {
                return Err(Inconsistent::SuiteTwice(suite.name.clone()));
            }
        }
        let (mut cells, mut boxes, mut libraries) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut series = BTreeSet::new();
        for package in &packages {
            let Package { name, host, suite, .. } = package.clone();
            if !places.contains_key(&suite) {
                return Err(Inconsistent::NoSuite { name, host, suite });
            }
            if !package.series.is_empty() {
                if !matches!(package.role, Role::Qemu(_)) {
                    return Err(Inconsistent::SeriesOfOther { name, host });
                }
                if !series.insert((host, suite.clone())) {
                    return Err(Inconsistent::SeriesTwice { host, series: suite });
                }
            }
            match &package.role {
                Role::Qemu(targets)
                    if targets.is_empty() && package.series.is_empty() && package.passed_over.is_empty() =>
                {
                    return Err(Inconsistent::NoTargets { name, host });
                }
                Role::Qemu(_) if package.qemu_version().is_none() => {
                    return Err(Inconsistent::NoVersion { name, host, version: package.version.clone() });
                }
                Role::Qemu(targets) => {
                    if let Some(&target) = targets.iter().find(|target| !cells.insert((host, **target))) {
                        return Err(Inconsistent::CellTwice { host, target });
                    }
                }
                Role::Busybox if !boxes.insert(host) => return Err(Inconsistent::BusyboxTwice(host)),
                Role::Libc if !libraries.insert(host) => return Err(Inconsistent::LibcTwice(host)),
                Role::Busybox | Role::Libc => {}
            }
        }
        for package in &packages {
            let is_older = |other: &&Package| {
                other.host == package.host && places[&other.suite] > places[&package.suite]
            };
            let older: BTreeSet<Target> =
                packages.iter().filter(is_older).flat_map(Package::targets).collect();
            if let Some(&target) = package.passed_over.difference(&older).next() {
                let (host, suite) = (package.host, package.suite.clone());
                return Err(Inconsistent::PassedOver { host, target, suite });
            }
        }
        packages.sort_by_cached_key(|package| {
            let rank = package.role.rank();
            (package.host, rank, places[&package.suite], package.name.clone(), package.path.clone())
        });
        Ok(Lock { suites, packages, sources: BTreeMap::new() })
    }

    /// With these descriptions of sources.
    #[must_use]
    pub fn with_sources(mut self, sources: BTreeMap<Source, Dsc>) -> Lock {
        self.sources = sources;
        self
    }

    /// Reads and parses the file at `path`.
    pub fn load(path: &Path) -> Result<Lock, Error> {
        let name = path.display().to_string();
        let text = limits::read_text(path, limits::LOCK)
            .map_err(|error| Error::Read { path: name.clone(), error })?;
        Lock::parse(&text).map_err(|error| Error::Parse { path: name, error })
    }

    /// Writes the file at `path`: whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let options = files::Options { durable: true, ..files::Options::default() };
        files::write_with(path, &self.to_string(), options)
            .map_err(|error| Error::Write { path: path.display().to_string(), error: error.into_io() })
    }

    /// The suites, in the order of preference.
    pub fn suites(&self) -> &[Suite] {
        &self.suites
    }

    /// The suite called `name`.
    pub fn suite(&self, name: &str) -> Option<&Suite> {
        self.suites.iter().find(|suite| suite.name == name)
    }

    /// Every package, by host, QEMU first, then by the suite's place.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The sources that it has the descriptions of.
    pub fn sources(&self) -> &BTreeMap<Source, Dsc> {
        &self.sources
    }

    /// The hosts that it has packages for.
    pub fn hosts(&self) -> BTreeSet<Host> {
        self.packages.iter().map(|package| package.host).collect()
    }

    /// A host's packages with the newest QEMU for each target, newest suite first.
    pub fn qemu(&self, host: Host) -> impl Iterator<Item = &Package> {
        let is_qemu =
            |package: &&Package| matches!(&package.role, Role::Qemu(targets) if !targets.is_empty());
        self.packages.iter().filter(is_qemu).filter(move |package| package.host == host)
    }

    /// The names of the series beside the newest: suites, in the order of preference.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        let has_series = |suite: &&Suite| {
            let mut of_suite = self.packages.iter().filter(|package| package.suite == suite.name);
            of_suite.any(|package| !package.series.is_empty())
        };
        self.suites.iter().filter(has_series).map(|suite| suite.name.as_str())
    }

    /// The same without series.
    #[must_use]
    pub fn newest(&self) -> Lock {
        let alone = |package: &Package| Package { series: BTreeSet::new(), ..package.clone() };
        let packages = self.packages.iter().filter(|package| package.is_of_newest()).map(alone);
        Lock { packages: packages.collect(), ..self.clone() }
    }

    /// A lock whose newest is the series called `name`. A host that the series does not have, it does not have either.
    pub fn of_series(&self, name: &str) -> Lock {
        let of_series = |package: &Package| Package {
            role: Role::Qemu(package.series.clone()),
            series: BTreeSet::new(),
            passed_over: BTreeSet::new(),
            ..package.clone()
        };
        let in_series = |package: &&Package| package.suite == name && !package.series.is_empty();
        self.with_qemu(self.packages.iter().filter(in_series).map(of_series).collect())
    }

    /// A lock with those of the newest that are of `version`, and what was passed over in them.
    pub fn of_version(&self, version: QemuVersion) -> Lock {
        let of_version = |package: &Package| {
            let Role::Qemu(targets) = &package.role else { return None };
            let targets = targets | &package.passed_over;
            let is_of_newest = !targets.is_empty() && package.qemu_version() == Some(version);
            is_of_newest.then(|| Package {
                role: Role::Qemu(targets),
                series: BTreeSet::new(),
                passed_over: BTreeSet::new(),
                ..package.clone()
            })
        };
        self.with_qemu(self.packages.iter().filter_map(of_version).collect())
    }

    /// These packages of QEMU, and what else their hosts have.
    fn with_qemu(&self, mut packages: Vec<Package>) -> Lock {
        let hosts: BTreeSet<Host> = packages.iter().map(|package| package.host).collect();
        let others = self.packages.iter().filter(|package| !matches!(package.role, Role::Qemu(_)));
        packages.extend(others.filter(|package| hosts.contains(&package.host)).cloned());
        let place = |package: &Package| {
            self.packages
                .iter()
                .position(|other| (other.host, other.digest) == (package.host, package.digest))
        };
        packages.sort_by_cached_key(|package| (package.host, package.role.rank(), place(package)));
        Lock { suites: self.suites.clone(), packages, sources: self.sources.clone() }
    }

    /// A host's busybox.
    pub fn busybox(&self, host: Host) -> Option<&Package> {
        self.packages.iter().find(|package| package.host == host && package.role == Role::Busybox)
    }

    /// The C library that a host's `register` is linked with.
    pub fn libc(&self, host: Host) -> Option<&Package> {
        self.packages.iter().find(|package| package.host == host && package.role == Role::Libc)
    }

    /// The package that a host's emulator of `target` is taken from.
    pub fn cell(&self, host: Host, target: Target) -> Option<&Package> {
        self.qemu(host).find(|package| package.targets().any(|other| other == target))
    }

    /// The date of the newest `InRelease` that `host`'s packages come from, unix seconds; `None` without packages.
    pub fn date(&self, host: Host) -> Option<i64> {
        let of_host = self.packages.iter().filter(|package| package.host == host);
        let packages = of_host.filter(|package| package.is_of_newest());
        packages.filter_map(|package| self.suite(&package.suite)).map(|suite| suite.date).max()
    }

    /// The address of a package at Debian's mirrors.
    pub fn location(&self, package: &Package) -> String {
        format!("{}/{}", mirror::DEFAULT, package.path)
    }

    /// The address of a suite's file, `path` from a mirror's base, in the snapshot archive, which keeps it.
    pub fn snapshot(&self, suite: &Suite, path: &str) -> String {
        format!("{}/{}/{path}", mirror::SNAPSHOT, date::compact(suite.date + COPIED))
    }

    /// The addresses of a package: the mirror, then the snapshot archive at the moment of its suite's `InRelease`, and six hours
    /// later, because the archive's moments are those of its copying, shortly after the date in the file.
    pub fn urls(&self, mirror: &Mirror, package: &Package) -> Vec<Address> {
        let mut urls = vec![mirror.url(&package.path)];
        if let Some(suite) = self.suite(&package.suite) {
            for moment in [suite.snapshot(), date::compact(suite.date + COPIED)] {
                urls.push(mirror::snapshot().below(&format!("{moment}/{}", package.path)));
            }
        }
        urls
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display::write(f, self)
    }
}
