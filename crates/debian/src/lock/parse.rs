//! Text to [`Lock`], with the line and the key of what is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use arch::{Host, Target, UnknownName};
use serde::Deserialize;
use serde::de::{self, Deserializer};
use sha256::Digest;
use toml::Spanned;

use super::{BUSYBOX, Dsc, Inconsistent, LIBC, Lock, Package, Role, Suite};
use crate::about::{self, Source};
use crate::{date, pool};

/// The format's version that this code reads and writes.
const VERSION: u32 = 1;

/// The place where a lock is wrong, and the problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    line: usize,
    key: Option<String>,
    message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(key) = &self.key {
            write!(f, "`{key}`: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ParseError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLock {
    version: Spanned<u32>,
    #[serde(default)]
    suite: Vec<Spanned<RawSuite>>,
    #[serde(default)]
    package: Vec<Spanned<RawPackage>>,
    #[serde(default)]
    source: Vec<Spanned<RawSource>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawSuite {
    name: Spanned<String>,
    codename: String,
    date: Iso,
    snapshot: Spanned<String>,
    inrelease: Digest,
    #[serde(default)]
    allow_expired: bool,
    #[serde(default)]
    allow_older: bool,
    #[serde(default)]
    without: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPackage {
    host: Spanned<String>,
    name: Spanned<String>,
    version: String,
    architecture: Spanned<String>,
    suite: String,
    path: Spanned<String>,
    size: u64,
    digest: Digest,
    targets: Option<Vec<Spanned<String>>>,
    #[serde(default, rename = "passed-over")]
    passed_over: Vec<Spanned<String>>,
    #[serde(default)]
    series: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    name: Spanned<String>,
    version: String,
    path: Spanned<String>,
    digest: Digest,
}

/// A moment, in seconds.
struct Iso(i64);

impl<'de> Deserialize<'de> for Iso {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Iso, D::Error> {
        let text = String::deserialize(deserializer)?;
        let seconds = date::parse_iso(&text);
        seconds
            .map(Iso)
            .ok_or_else(|| de::Error::custom(format!("`{text}` is no date like 2026-07-11T10:16:37Z")))
    }
}

impl Lock {
    /// Parses a lock's text.
    pub fn parse(text: &str) -> Result<Lock, ParseError> {
        let raw: RawLock = toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let (line, key) = place(text, &span);
            let message = error.message().lines().next().unwrap_or_default().trim().to_owned();
            // A missing field is reported at its whole table, which has no key.
            let key = key
                .filter(|_| !message.starts_with("missing field") && !message.starts_with("unknown field"));
            ParseError { line, key, message }
        })?;
        let wrong = |span: Range<usize>, message: String| {
            let (line, key) = place(text, &span);
            ParseError { line, key, message }
        };
        if *raw.version.get_ref() != VERSION {
            let message = format!("this is version {}, and only {VERSION} is known", raw.version.get_ref());
            return Err(wrong(raw.version.span(), message));
        }
        let mut sources = BTreeMap::new();
        for raw in raw.source {
            let span = raw.span();
            let (source, dsc) = dsc(raw.into_inner(), &wrong)?;
            if sources.insert(source.clone(), dsc).is_some() {
                return Err(wrong(span, Inconsistent::SourceTwice(source).to_string()));
            }
        }
        // Where each suite and each package stands, for what shows only when they are put together.
        let suite_spans: Vec<_> = raw.suite.iter().map(Spanned::span).collect();
        let package_spans: Vec<_> = raw.package.iter().map(Spanned::span).collect();
        let suites = raw.suite.into_iter().map(|raw| suite(raw.into_inner(), &wrong));
        let suites = suites.collect::<Result<Vec<_>, _>>()?;
        let packages = raw.package.into_iter().map(|raw| package(raw.into_inner(), &wrong));
        let packages = packages.collect::<Result<Vec<_>, _>>()?;
        let culprit = |error: &Inconsistent| {
            let last_suite = |name: &String| suites.iter().rposition(|suite| suite.name == *name);
            let last_package = |is: &dyn Fn(&Package) -> bool| packages.iter().rposition(is);
            let span = match error {
                Inconsistent::SuiteTwice(name) => last_suite(name).map(|i| &suite_spans[i]),
                Inconsistent::NoSuite { name, host, suite } => last_package(&|package| {
                    package.name == *name && package.host == *host && package.suite == *suite
                })
                .map(|i| &package_spans[i]),
                Inconsistent::SeriesTwice { host, series } => last_package(&|package| {
                    package.host == *host && package.suite == *series && !package.series.is_empty()
                })
                .map(|i| &package_spans[i]),
                Inconsistent::CellTwice { host, target } => last_package(&|package| {
                    package.host == *host && package.targets().any(|other| other == *target)
                })
                .map(|i| &package_spans[i]),
                Inconsistent::PassedOver { host, target, .. } => {
                    last_package(&|package| package.host == *host && package.passed_over.contains(target))
                        .map(|i| &package_spans[i])
                }
                // Nothing that is read chooses.
                Inconsistent::NoCell { .. } => None,
                // That was seen above, where its place is known.
                Inconsistent::SourceTwice(_) => None,
                Inconsistent::BusyboxTwice(host) => {
                    last_package(&|package| package.host == *host && package.role == Role::Busybox)
                        .map(|i| &package_spans[i])
                }
                Inconsistent::LibcTwice(host) => {
                    last_package(&|package| package.host == *host && package.role == Role::Libc)
                        .map(|i| &package_spans[i])
                }
                Inconsistent::NoTargets { name, host }
                | Inconsistent::SeriesOfOther { name, host }
                | Inconsistent::NoVersion { name, host, .. } => {
                    last_package(&|package| package.name == *name && package.host == *host)
                        .map(|i| &package_spans[i])
                }
            };
            let (line, _) = place(text, span.unwrap_or(&(0..0)));
            ParseError { line, key: None, message: error.to_string() }
        };
        let lock = Lock::new(suites.clone(), packages.clone()).map_err(|error| culprit(&error))?;
        Ok(lock.with_sources(sources))
    }
}

/// Hosts or targets by their names. Not by serde, which would put all errors of a list at the list's beginning.
fn names<T, C>(
    raw: &[Spanned<String>],
    wrong: &impl Fn(Range<usize>, String) -> ParseError,
) -> Result<C, ParseError>
where
    T: FromStr<Err = UnknownName>,
    C: FromIterator<T>,
{
    let parse = |name: &Spanned<String>| {
        name.get_ref().parse().map_err(|error: UnknownName| wrong(name.span(), error.to_string()))
    };
    raw.iter().map(parse).collect()
}

fn suite(raw: RawSuite, wrong: &impl Fn(Range<usize>, String) -> ParseError) -> Result<Suite, ParseError> {
    if !is_suite(raw.name.get_ref()) {
        return Err(wrong(raw.name.span(), format!("`{}` is no name of a suite", raw.name.get_ref())));
    }
    let suite = Suite {
        name: raw.name.into_inner(),
        codename: raw.codename,
        date: raw.date.0,
        inrelease: raw.inrelease,
        allow_expired: raw.allow_expired,
        allow_older: raw.allow_older,
        without: names(&raw.without, wrong)?,
    };
    if *raw.snapshot.get_ref() == suite.snapshot() {
        return Ok(suite);
    }
    let message = format!("`{}` is not the moment of `date`, {}", raw.snapshot.get_ref(), suite.snapshot());
    Err(wrong(raw.snapshot.span(), message))
}

/// True of one plain part of a path, which is put into addresses as it is: `bookworm-backports`.
fn is_suite(name: &str) -> bool {
    pool::is_pool_path(name) && !name.contains('/')
}

fn package(
    raw: RawPackage,
    wrong: &impl Fn(Range<usize>, String) -> ParseError,
) -> Result<Package, ParseError> {
    let host: Host =
        raw.host.get_ref().parse().map_err(|error: UnknownName| wrong(raw.host.span(), error.to_string()))?;
    if raw.architecture.get_ref() != host.debian() {
        let message = format!("`{}` is not host `{host}`'s, `{}`", raw.architecture.get_ref(), host.debian());
        return Err(wrong(raw.architecture.span(), message));
    }
    if !pool::is_pool_path(raw.path.get_ref()) {
        return Err(wrong(raw.path.span(), format!("`{}` is no path in an archive", raw.path.get_ref())));
    }
    let role = match raw.targets {
        Some(targets) => Role::Qemu(names::<Target, _>(&targets, wrong)?),
        None if !(raw.series.is_empty() && raw.passed_over.is_empty()) => Role::Qemu(BTreeSet::new()),
        None if raw.name.get_ref() == BUSYBOX => Role::Busybox,
        None if raw.name.get_ref() == LIBC => Role::Libc,
        None => return Err(wrong(raw.name.span(), format!("`{}` has no `targets`", raw.name.get_ref()))),
    };
    Ok(Package {
        name: raw.name.into_inner(),
        host,
        suite: raw.suite,
        version: raw.version,
        path: raw.path.into_inner(),
        size: raw.size,
        digest: raw.digest,
        role,
        series: names(&raw.series, wrong)?,
        passed_over: names(&raw.passed_over, wrong)?,
    })
}

fn dsc(
    raw: RawSource,
    wrong: &impl Fn(Range<usize>, String) -> ParseError,
) -> Result<(Source, Dsc), ParseError> {
    let source = about::pinned(raw.name.get_ref(), &raw.version).ok_or_else(|| {
        let message = format!("`{}` {} is no source package", raw.name.get_ref(), raw.version);
        wrong(raw.name.span(), message)
    })?;
    if !pool::is_pool_path(raw.path.get_ref()) {
        return Err(wrong(raw.path.span(), format!("`{}` is no path in an archive", raw.path.get_ref())));
    }
    Ok((source, Dsc { path: raw.path.into_inner(), digest: raw.digest }))
}

/// The line that a span begins on, counted from 1, and the key that the line assigns to. In a list that goes over
/// several lines, the key is that of the nearest assignment above.
fn place(text: &str, span: &Range<usize>) -> (usize, Option<String>) {
    let start = span.start.min(text.len());
    let before = text.get(..start).unwrap_or_default();
    let line = base::line_of(text, start);
    let head = before.rfind('\n').map_or(0, |newline| newline + 1);
    let own = text.get(head..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    if own.starts_with("[[") {
        return (line, None);
    }
    let lines = std::iter::once(own).chain(before.lines().rev().take_while(|line| !line.starts_with('[')));
    let key = lines.filter(|line| !line.starts_with([' ', '\t'])).find_map(|line| line.split_once('='));
    (line, key.map(|(key, _)| key.trim().to_owned()))
}
