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
    #[serde(deserialize_with = "moment")]
    date: i64,
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
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    date::parse_iso(&text)
        .ok_or_else(|| de::Error::custom(format!("`{text}` is no date like 2026-07-11T10:16:37Z")))
}

/// Makes the error of a place and a message.
type Wrong<'a> = dyn Fn(Range<usize>, String) -> ParseError + 'a;

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
            let is_it = |package: &Package| match error {
                Inconsistent::NoSuite { name, host, suite } => {
                    package.name == *name && package.host == *host && package.suite == *suite
                }
                Inconsistent::SeriesTwice { host, series } => {
                    package.host == *host && package.suite == *series && !package.series.is_empty()
                }
                Inconsistent::CellTwice { host, target } => {
                    package.host == *host && package.targets().any(|other| other == *target)
                }
                Inconsistent::PassedOver { host, target, .. } => {
                    package.host == *host && package.passed_over.contains(target)
                }
                Inconsistent::BusyboxTwice(host) => package.host == *host && package.role == Role::Busybox,
                Inconsistent::LibcTwice(host) => package.host == *host && package.role == Role::Libc,
                Inconsistent::NoTargets { name, host }
                | Inconsistent::SeriesOfOther { name, host }
                | Inconsistent::NoVersion { name, host, .. } => {
                    package.name == *name && package.host == *host
                }
                // These are of suites, of sources, whose place is known above, and of choices, which nothing that is read makes.
                Inconsistent::SuiteTwice(_) | Inconsistent::SourceTwice(_) | Inconsistent::NoCell { .. } => {
                    false
                }
            };
            let span = match error {
                Inconsistent::SuiteTwice(name) => {
                    suites.iter().rposition(|suite| suite.name == *name).map(|i| &suite_spans[i])
                }
                _ => packages.iter().rposition(is_it).map(|i| &package_spans[i]),
            };
            let (line, _) = place(text, span.unwrap_or(&(0..0)));
            ParseError { line, key: None, message: error.to_string() }
        };
        let lock = Lock::new(suites.clone(), packages.clone()).map_err(|error| culprit(&error))?;
        Ok(lock.with_sources(sources))
    }
}

/// Hosts or targets by their names. Not by serde, which would put all errors of a list at the list's beginning.
fn names<T, C>(raw: &[Spanned<String>], wrong: &Wrong<'_>) -> Result<C, ParseError>
where
    T: FromStr<Err = UnknownName>,
    C: FromIterator<T>,
{
    let parse = |name: &Spanned<String>| {
        name.get_ref().parse().map_err(|error: UnknownName| wrong(name.span(), error.to_string()))
    };
    raw.iter().map(parse).collect()
}

fn suite(raw: RawSuite, wrong: &Wrong<'_>) -> Result<Suite, ParseError> {
    if !is_suite(raw.name.get_ref()) {
        return Err(wrong(raw.name.span(), format!("`{}` is no name of a suite", raw.name.get_ref())));
    }
    let suite = Suite {
        name: raw.name.into_inner(),
        codename: raw.codename,
        date: raw.date,
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

fn package(raw: RawPackage, wrong: &Wrong<'_>) -> Result<Package, ParseError> {
    let host: Host =
        raw.host.get_ref().parse().map_err(|error: UnknownName| wrong(raw.host.span(), error.to_string()))?;
    if raw.architecture.get_ref() != host.debian() {
        let message = format!("`{}` is not host `{host}`'s, `{}`", raw.architecture.get_ref(), host.debian());
        return Err(wrong(raw.architecture.span(), message));
    }
    let path = pool_path(raw.path, wrong)?;
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
        path,
        size: raw.size,
        digest: raw.digest,
        role,
        series: names(&raw.series, wrong)?,
        passed_over: names(&raw.passed_over, wrong)?,
    })
}

fn dsc(raw: RawSource, wrong: &Wrong<'_>) -> Result<(Source, Dsc), ParseError> {
    let source = about::pinned(raw.name.get_ref(), &raw.version).ok_or_else(|| {
        let message = format!("`{}` {} is no source package", raw.name.get_ref(), raw.version);
        wrong(raw.name.span(), message)
    })?;
    Ok((source, Dsc { path: pool_path(raw.path, wrong)?, digest: raw.digest }))
}

/// A path from a mirror's base.
fn pool_path(raw: Spanned<String>, wrong: &Wrong<'_>) -> Result<String, ParseError> {
    match pool::is_pool_path(raw.get_ref()) {
        true => Ok(raw.into_inner()),
        false => Err(wrong(raw.span(), format!("`{}` is no path in an archive", raw.get_ref()))),
    }
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
