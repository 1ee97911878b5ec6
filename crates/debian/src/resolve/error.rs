//! The reason why there is no lock.

use std::collections::BTreeMap;
use std::fmt;

use arch::{Host, Target};
use base::Hint;

use super::Rejected;
use crate::lock::{BUSYBOX, Inconsistent};
use crate::{date, fetch, qemu, release, stanzas};

/// The reason why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be had.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// A suite's `InRelease` is not to be used.
    #[error(transparent)]
    Release(#[from] release::Error),
    /// A suite is older than in the lock.
    #[error("InRelease of `{suite}` is older than the lock's: {}, not {}", date::iso(*.date), date::iso(*.locked))]
    OlderSuite {
        /// The suite.
        suite: String,
        /// Its date, unix seconds.
        date: i64,
        /// Its date in the lock.
        locked: i64,
    },
    /// A package is older than in the lock.
    #[error("`{package}` of `{suite}` for host `{host}` is older than the lock's: {version}, not {locked}")]
    OlderPackage {
        /// The suite.
        suite: String,
        /// The host.
        host: Host,
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// Its version in the lock.
        locked: String,
    },
    /// The mirror's `Packages` is not the one that `InRelease` names.
    #[error(
        "`Packages` of `{suite}` for {} does not match its InRelease: the mirror is skewed",
        architectures(hosts, ", ", |arch| format!("`{arch}`"))
    )]
    Skewed {
        /// The suite.
        suite: String,
        /// The hosts whose architectures these are: all of those asked for, so that one run reports them all.
        hosts: Vec<Host>,
        /// The mirror's answer instead, for the first of them.
        #[source]
        error: fetch::Error,
    },
    /// A `Packages` cannot be read.
    #[error("cannot read `Packages` of `{suite}` for `{architecture}`")]
    Packages {
        /// The suite.
        suite: String,
        /// Debian's architecture.
        architecture: String,
        /// The reason.
        #[source]
        error: stanzas::Error,
    },
    /// The mirror's `Sources` is not the one that `InRelease` names.
    #[error("`Sources` of `{suite}` does not match its InRelease: the mirror is skewed")]
    SkewedSources {
        /// The suite.
        suite: String,
        /// The mirror's answer instead.
        #[source]
        error: fetch::Error,
    },
    /// A `Sources` cannot be read.
    #[error("cannot read `Sources` of `{suite}`")]
    Sources {
        /// The suite.
        suite: String,
        /// The reason.
        #[source]
        error: stanzas::Error,
    },
    /// A package cannot be looked into.
    #[error("cannot look into `{path}`")]
    Package {
        /// The package's path.
        path: String,
        /// The reason.
        #[source]
        error: Box<qemu::Error>,
    },
    /// No suite has some of what is wanted.
    #[error("no suite of {suites} has {}{}", cells(.missing), because(.missing, .rejected))]
    Missing {
        /// The suites that were asked.
        suites: String,
        /// The needs that are not met, each with its host.
        missing: Vec<(Host, Need)>,
        /// The files that were found instead.
        rejected: Vec<Rejected>,
    },
    /// A suite that is to be a series has no QEMU.
    #[error("the series `{series}` has no QEMU for any of the hosts")]
    NoSeries {
        /// The series.
        series: String,
    },
    /// The request names a suite that is not one of its suites.
    #[error("{option} names suite `{suite}`, which is not one of {suites}")]
    NotAsked {
        /// `--allow-expired` or `--without`.
        option: &'static str,
        /// The suite.
        suite: String,
        /// The suites asked for.
        suites: String,
    },
    /// The parts do not fit together.
    #[error(transparent)]
    Inconsistent(#[from] Inconsistent),
    /// A helper thread ended early.
    #[error("interrupted while looking into a package")]
    Interrupted,
}

/// One thing that a host needs of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// An emulator.
    Target(Target),
    /// A package beside QEMU's, by its name.
    Package(&'static str),
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::Target(target) => write!(f, "target `{target}`"),
            Need::Package(BUSYBOX) => f.write_str("busybox"),
            Need::Package(name) => write!(f, "package `{name}`"),
        }
    }
}

impl Error {
    /// True if it says that the archive no longer has what was asked for, and so is about the archive rather than the
    /// way to it.
    pub fn is_finding(&self) -> bool {
        matches!(self, Error::Missing { .. }) || is_gone(self)
    }
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::Fetch(error) => error.hint(),
            Error::Release(error) => error.hint(),
            Error::OlderSuite { suite, .. } | Error::OlderPackage { suite, .. } => Some(format!(
                "the mirror may be stale, or somebody plays back an old state: --mirror names another; \
                 --allow-older {suite} takes it as it is"
            )),
            Error::Skewed { suite, hosts, .. } => Some(format!(
                "try again when the mirror has caught up, or another with --mirror; {} passes it over",
                architectures(hosts, " ", |arch| format!("--without {suite}/{arch}"))
            )),
            Error::SkewedSources { .. } => {
                Some("try again when the mirror has caught up, or another with --mirror".to_owned())
            }
            Error::NoSeries { .. } => Some("take it out of `series` in images.toml".to_owned()),
            Error::Missing { .. } => Some("a further suite in images.toml may have it".to_owned()),
            _ => None,
        }
    }
}

fn architectures(hosts: &[Host], separator: &str, each: impl Fn(&str) -> String) -> String {
    hosts.iter().map(|host| each(host.debian())).collect::<Vec<_>>().join(separator)
}

/// Whole hosts are named once: "target `cris` for host `amd64`, busybox for host `i386`".
fn cells(missing: &[(Host, Need)]) -> String {
    let mut by_host: BTreeMap<Host, Vec<String>> = BTreeMap::new();
    for (host, what) in missing {
        by_host.entry(*host).or_default().push(what.to_string());
    }
    let each: Vec<String> =
        by_host.iter().map(|(host, whats)| format!("{} for host `{host}`", whats.join(", "))).collect();
    each.join("; ")
}

/// The reason why the first target that is missing was not taken from where it is, if it is anywhere.
fn because(missing: &[(Host, Need)], rejected: &[Rejected]) -> String {
    let here = |rejected: &&Rejected| {
        missing.iter().any(|(host, what)| *host == rejected.host && matches!(what, Need::Target(_)))
    };
    let Some(found) = rejected.iter().find(here) else { return String::new() };
    let Rejected { suite, package, version, targets, .. } = found;
    let each = targets.iter().next();
    each.map_or_else(String::new, |(target, error)| {
        format!("; in `{suite}`, the `qemu-{target}` of `{package}` {version} {error}")
    })
}

/// A suite that the mirror does not have at all is told apart from one that cannot be fetched.
pub(super) fn is_gone(error: &Error) -> bool {
    match error {
        Error::Fetch(fetch::Error::Failed { failures, .. }) => {
            failures.iter().all(|(_, reason)| reason.is_gone())
        }
        _ => false,
    }
}
