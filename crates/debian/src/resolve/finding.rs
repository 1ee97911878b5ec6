//! The events in the archive that are more than a new version, and their texts.

use std::collections::BTreeSet;
use std::fmt;

use arch::{Host, Target};

/// A restructuring in the archive, or news from it, with the hosts that it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The event.
    pub kind: Kind,
    /// To which hosts; none if to the whole archive, or to what is no host yet.
    pub hosts: Vec<Host>,
}

impl Finding {
    /// The names of the targets that it is about, if it is about targets.
    pub fn targets(&self) -> Vec<&str> {
        match &self.kind {
            Kind::SuiteGone { .. }
            | Kind::HostGone { .. }
            | Kind::PackageGone { .. }
            | Kind::NoBusybox
            | Kind::NoLibc
            | Kind::HostNew { .. } => Vec::new(),
            Kind::Moved { targets, .. }
            | Kind::NotStatic { targets, .. }
            | Kind::OlderSuite { targets, .. }
            | Kind::Chosen { targets, .. }
            | Kind::SeriesLost { targets, .. }
            | Kind::Lost { targets } => targets.iter().map(|target| target.name()).collect(),
            Kind::TargetNew { targets, .. } => targets.iter().map(String::as_str).collect(),
        }
    }

    /// The Debian architecture that it is about, if that is no host yet.
    pub fn architecture(&self) -> Option<&str> {
        match &self.kind {
            Kind::HostNew { architecture, .. } => Some(architecture),
            _ => None,
        }
    }
}

/// An event in the archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The archive has the suite no more.
    SuiteGone {
        /// The suite.
        suite: String,
    },
    /// The suite has the hosts' architectures no more.
    HostGone {
        /// The suite.
        suite: String,
    },
    /// The suite has the package no more.
    PackageGone {
        /// The suite.
        suite: String,
        /// The package.
        package: String,
    },
    /// The programs are in another package of the same suite.
    Moved {
        /// The suite.
        suite: String,
        /// The package that had them.
        from: String,
        /// The package that has them.
        to: String,
        /// The targets.
        targets: BTreeSet<Target>,
    },
    /// The package has files of the right names that are no static programs.
    NotStatic {
        /// The suite.
        suite: String,
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// The kind of the first of them.
        reason: String,
        /// The targets.
        targets: BTreeSet<Target>,
    },
    /// The programs come from a suite that is less wanted than the one that had them.
    OlderSuite {
        /// The suite that had them.
        from: String,
        /// The suite that has them.
        to: String,
        /// The version there.
        version: String,
        /// The targets.
        targets: BTreeSet<Target>,
    },
    /// Results, or a maintainer, choose another suite than the one that the lock has the programs from.
    Chosen {
        /// The suite that the lock has them from.
        from: String,
        /// The suite that is chosen.
        to: String,
        /// The version there.
        version: String,
        /// The targets.
        targets: BTreeSet<Target>,
    },
    /// No suite has a busybox for the host.
    NoBusybox,
    /// No suite has a C library for the host.
    NoLibc,
    /// No suite has the programs any more.
    Lost {
        /// The targets.
        targets: BTreeSet<Target>,
    },
    /// The series has the programs no more.
    SeriesLost {
        /// The series.
        series: String,
        /// The targets.
        targets: BTreeSet<Target>,
    },
    /// The package has static programs of targets that no table knows.
    TargetNew {
        /// The suite.
        suite: String,
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// The targets, as QEMU names them.
        targets: BTreeSet<String>,
    },
    /// The suite has QEMU for an architecture that is no host.
    HostNew {
        /// The suite.
        suite: String,
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// Debian's architecture.
        architecture: String,
    },
}

/// Gives every kind its name: one without does not compile, and [`Kind::NAMES`] has them all.
macro_rules! names {
    ($($kind:ident => $name:literal,)+) => {
        impl Kind {
            /// Every name.
            pub const NAMES: &[&str] = &[$($name),+];

            /// A word for it, for machines.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Kind::$kind { .. } => $name,)+
                }
            }
        }
    };
}

names! {
    SuiteGone => "suite-gone",
    HostGone => "host-gone",
    PackageGone => "package-gone",
    Moved => "programs-moved",
    NotStatic => "not-static",
    OlderSuite => "older-suite",
    Chosen => "chosen",
    NoBusybox => "no-busybox",
    NoLibc => "no-libc",
    Lost => "lost",
    SeriesLost => "series-lost",
    TargetNew => "target-new",
    HostNew => "host-new",
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<&str> = self.hosts.iter().map(|host| host.name()).collect();
        let hosts = hosts.join(", ");
        let targets = list(&self.targets());
        match &self.kind {
            Kind::SuiteGone { suite } => write!(f, "the archive has no suite `{suite}` any more"),
            Kind::HostGone { suite } => write!(f, "`{suite}` has nothing for {hosts} any more"),
            Kind::PackageGone { suite, package } => {
                write!(f, "`{suite}` has no `{package}` for {hosts} any more")
            }
            Kind::Moved { suite, from, to, .. } => {
                write!(f, "in `{suite}`, {targets} for {hosts} moved from `{from}` to `{to}`")
            }
            Kind::NotStatic { suite, package, version, reason, targets: all } => {
                let first = all.first().map_or("", |target| target.name());
                write!(
                    f,
                    "in `{suite}`, `{package}` {version} has no static {targets} for {hosts}: its `qemu-{first}` {reason}"
                )
            }
            Kind::OlderSuite { from, to, version, .. } => {
                write!(f, "{targets} for {hosts}: not in `{from}` any more, taken from `{to}` ({version})")
            }
            Kind::Chosen { from, to, version, .. } => {
                write!(f, "{targets} for {hosts}: `{to}` ({version}) is chosen, and the lock has `{from}`")
            }
            Kind::NoBusybox => write!(f, "no suite has a static busybox for {hosts} any more"),
            Kind::NoLibc => write!(f, "no suite has a C library (`musl-dev`) for {hosts} any more"),
            Kind::Lost { .. } => write!(f, "no suite has {targets} for {hosts} any more"),
            Kind::SeriesLost { series, .. } => {
                write!(f, "the series `{series}` has {targets} for {hosts} no more")
            }
            Kind::TargetNew { suite, package, version, .. } => {
                write!(
                    f,
                    "in `{suite}`, `{package}` {version} for {hosts} also has {targets}, which no image has"
                )
            }
            Kind::HostNew { suite, package, version, architecture } => {
                write!(f, "`{suite}` has `{package}` {version} for {architecture}, which no image is for")
            }
        }
    }
}

/// Long lists are cut short; the whole one is in the value.
fn list(names: &[&str]) -> String {
    const SHOWN: usize = 6;
    match names.len() {
        0..=SHOWN => names.join(", "),
        count => format!("{count} targets ({}, …)", names[..3].join(", ")),
    }
}
