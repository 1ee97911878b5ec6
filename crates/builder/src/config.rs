//! `images/images.toml`: what is built.

mod default;
mod locked;
#[cfg(feature = "openpgp")]
mod request;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use arch::{Host, Status, Target, UnknownName};
use base::line_of;
use debian::{FullVersion, SUITES};
use serde::Deserialize;

use crate::packing::Compression;
use crate::plan::Builds;
use crate::statements::Statements;
pub use default::Defaults;

/// The configuration of what is built, checked.
#[derive(Debug)]
pub struct Config {
    /// The images' name, with its registry.
    pub repository: String,
    /// The suites that packages come from, the preferred first.
    pub suites: Vec<String>,
    /// Those of them that are series of their own, too.
    pub series: Vec<String>,
    /// The machines that images are built for.
    pub hosts: Vec<Host>,
    /// The targets that QEMU has dropped and that there are images of nevertheless.
    pub retired: Vec<Target>,
    /// Names of targets that QEMU has and the images are not to have.
    pub refused_targets: Vec<String>,
    /// Debian architectures that no images are to be built for.
    pub refused_hosts: Vec<String>,
    /// The mirror to fetch from, unless a user says otherwise.
    pub mirror: Option<String>,
    /// The compression of layers, unless a user chooses another.
    pub compression: Compression,
    /// The statements about images, unless a user chooses others.
    pub attest: Statements,
    /// The builds of QEMU's versions that were published more than once.
    pub builds: Builds,
    /// The series that cells are taken from, whatever results choose.
    pub defaults: Defaults,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Raw {
    repository: String,
    suites: Vec<toml::Spanned<String>>,
    #[serde(default)]
    series: Vec<toml::Spanned<String>>,
    hosts: Vec<toml::Spanned<String>>,
    #[serde(default)]
    retired: Vec<toml::Spanned<String>>,
    #[serde(default)]
    refused_targets: Vec<toml::Spanned<String>>,
    #[serde(default)]
    refused_hosts: Vec<toml::Spanned<String>>,
    mirror: Option<String>,
    compression: Option<toml::Spanned<String>>,
    attest: Option<toml::Spanned<String>>,
    #[serde(default)]
    builds: BTreeMap<toml::Spanned<String>, u32>,
    #[serde(default)]
    default: BTreeMap<toml::Spanned<String>, toml::Spanned<String>>,
}

impl Config {
    /// Reads the file at `path`.
    pub fn load(path: &Path) -> anyhow::Result<Config> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Config::parse(&text).map_err(|message| anyhow::anyhow!("cannot read {}: {message}", path.display()))
    }

    /// Parses the file's text; the error names line and key.
    pub fn parse(text: &str) -> Result<Config, String> {
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            format!("line {line}: {}", error.message().trim())
        })?;
        let suites = names(text, "suites", &raw.suites, suite)?;
        let series = names(text, "series", &raw.series, |name| series(name, &suites))?;
        let hosts = names(text, "hosts", &raw.hosts, str::parse::<Host>)?;
        let refused_host = |name: &str| refused_host(name, &hosts);
        let mut defaults = Defaults::default();
        for (cell, name) in &raw.default {
            let add = |cell: &str| defaults.add(cell, &hosts, name.get_ref(), &series);
            one(text, "default", cell, add)?;
        }
        Ok(Config {
            repository: raw.repository,
            suites,
            series,
            retired: names(text, "retired", &raw.retired, retired)?,
            refused_targets: names(text, "refused-targets", &raw.refused_targets, refused_target)?,
            refused_hosts: names(text, "refused-hosts", &raw.refused_hosts, refused_host)?,
            hosts,
            mirror: raw.mirror,
            compression: match &raw.compression {
                None => Compression::default(),
                Some(name) => one(text, "compression", name, str::parse)?,
            },
            attest: match &raw.attest {
                None => Statements::default(),
                Some(name) => one(text, "attest", name, str::parse)?,
            },
            builds: {
                let build = |(name, number): (&toml::Spanned<String>, &u32)| {
                    Ok((one(text, "builds", name, full_version)?, *number))
                };
                Builds::new(raw.builds.iter().map(build).collect::<Result<_, String>>()?)
            },
            defaults,
        })
    }
}

fn suite(name: &str) -> Result<String, UnknownName> {
    match SUITES.contains(&name) {
        true => Ok(name.to_owned()),
        false => Err(UnknownName::new("suite", name, SUITES)),
    }
}

/// A series is locked with the suites that it is one of.
fn series(name: &str, suites: &[String]) -> Result<String, String> {
    match suites.iter().any(|suite| suite == name) {
        true => Ok(name.to_owned()),
        false => Err(format!("`{name}` is not one of `suites`")),
    }
}

/// A version as tags have it.
fn full_version(name: &str) -> Result<String, String> {
    match FullVersion::of_package(name).is_some_and(|version| version.to_string() == name) {
        true => Ok(name.to_owned()),
        false => Err(format!("`{name}` is no version like 11.1.3")),
    }
}

fn retired(name: &str) -> Result<Target, UnknownName> {
    let retired = || Target::all().filter(|target| target.status() == Status::Retired);
    retired()
        .find(|target| target.name() == name)
        .ok_or_else(|| UnknownName::new("retired target", name, retired().map(Target::name)))
}

/// Only what no table knows can be new, and so be refused.
fn refused_target(name: &str) -> Result<String, String> {
    match name.parse::<Target>() {
        Err(_) => Ok(name.to_owned()),
        Ok(target) => Err(format!("`{target}` is known to qus, and so never new")),
    }
}

/// An architecture by Debian's name for it, which may be one that no table knows.
fn refused_host(name: &str, hosts: &[Host]) -> Result<String, String> {
    match name.parse::<Host>() {
        Err(_) => Ok(name.to_owned()),
        Ok(host) if hosts.contains(&host) => Err(format!("`{host}` is one of `hosts`")),
        Ok(host) if host.debian() != name => Err(format!("Debian's name of `{host}` is `{}`", host.debian())),
        Ok(_) => Ok(name.to_owned()),
    }
}

/// Parses each name of the list `key`; repeated names are errors too, and empty lists of what nothing can be built without.
fn names<T: PartialEq, E: std::fmt::Display>(
    text: &str,
    key: &str,
    list: &[toml::Spanned<String>],
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, String> {
    let mut parsed = Vec::with_capacity(list.len());
    for name in list {
        let line = line_of(text, name.span().start);
        let value = one(text, key, name, &parse)?;
        if parsed.contains(&value) {
            return Err(format!("line {line}: `{key}`: `{}` is listed twice", name.get_ref()));
        }
        parsed.push(value);
    }
    match parsed.is_empty() && matches!(key, "suites" | "hosts") {
        true => Err(format!("`{key}` is empty")),
        false => Ok(parsed),
    }
}

/// Parses the value of `key`.
fn one<T, E: std::fmt::Display>(
    text: &str,
    key: &str,
    name: &toml::Spanned<String>,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, String> {
    let line = line_of(text, name.span().start);
    parse(name.get_ref()).map_err(|error| format!("line {line}: `{key}`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "repository = \"docker.io/a/b\"\nsuites = [\"sid\"]\nhosts = [\"amd64\", \"armhf\"]\n";

    #[test]
    fn a_good_file_is_read() {
        let config = Config::parse(GOOD).unwrap();
        assert_eq!(config.repository, "docker.io/a/b");
        assert_eq!(config.hosts.iter().map(|host| host.name()).collect::<Vec<_>>(), ["amd64", "arm32v7"]);
        assert!(config.retired.is_empty());
        assert_eq!(config.compression, Compression::Gzip);
        let config = Config::parse(&format!("{GOOD}compression = \"both\"\n")).unwrap();
        assert_eq!((config.compression, config.attest), (Compression::Both, Statements::All));
        let config = Config::parse(&format!("{GOOD}attest = \"sbom\"\n")).unwrap();
        assert_eq!(config.attest, Statements::Sbom);
    }

    #[test]
    fn the_committed_file_is_good() {
        let config = Config::parse(include_str!("../../../images/images.toml")).unwrap();
        assert_eq!(config.hosts, Host::all().collect::<Vec<_>>());
        assert_eq!(config.suites, ["sid", "trixie", "bookworm"]);
        assert_eq!(config.series, ["trixie", "bookworm"]);
    }

    fn check(from: &str, to: &str, expected: &str) {
        assert!(GOOD.contains(from));
        assert_eq!(Config::parse(&GOOD.replace(from, to)).unwrap_err(), expected);
    }

    #[test]
    fn errors_name_line_and_key() {
        check("armhf", "armfh", "line 3: `hosts`: unknown host `armfh` (did you mean `armhf`?)");
        check("armhf", "amd64", "line 3: `hosts`: `amd64` is listed twice");
        check("\"sid\"", "\"sit\"", "line 2: `suites`: unknown suite `sit` (did you mean `sid`?)");
        check("\"sid\"", "", "`suites` is empty");
        check("hosts", "series = [\"trixie\"]\nhosts", "line 3: `series`: `trixie` is not one of `suites`");
        check(
            "hosts",
            "host",
            "line 3: unknown field `host`, expected one of `repository`, `suites`, `series`, `hosts`, `retired`, `refused-targets`, `refused-hosts`, `mirror`, `compression`, `attest`, `builds`, `default`",
        );
        check(
            "suites",
            "compression = \"zst\"\nsuites",
            "line 2: `compression`: unknown compression `zst` (did you mean `zstd`?)",
        );
        check(
            "suites",
            "attest = \"sbmo\"\nsuites",
            "line 2: `attest`: unknown choice of statements `sbmo` (did you mean `sbom`?)",
        );
        check(
            "hosts = [\"amd64\", \"armhf\"]\n",
            "hosts = [\"amd64\"]\n[builds]\n\"11.1\" = 1\n",
            "line 5: `builds`: `11.1` is no version like 11.1.3",
        );
        let series = "suites = [\"sid\", \"trixie\"]\nseries = [\"trixie\"]\n";
        for (cell, expected) in [
            ("arm = \"bookworm\"", "unknown series `bookworm`"),
            ("arm = \"tirxie\"", "unknown series `tirxie` (did you mean `trixie`?)"),
            ("amr = \"trixie\"", "unknown target `amr` (did you mean `arm`?)"),
            ("\"s390x/arm\" = \"trixie\"", "`s390x` is not one of `hosts`"),
            ("\"amd46/arm\" = \"trixie\"", "unknown host `amd46` (did you mean `amd64`?)"),
            ("arm = \"trixie\"\narmhf = \"newest\"", "`armhf` is there twice"),
        ] {
            let line = 6 + cell.matches('\n').count();
            let expected = format!("line {line}: `default`: {expected}");
            let text = GOOD.replace("suites = [\"sid\"]\n", series) + "[default]\n" + cell + "\n";
            assert_eq!(Config::parse(&text).unwrap_err(), expected, "{text}");
        }
        check("[\"sid\"]", "3", "line 2: invalid type: integer `3`, expected a sequence");
        check("repository = \"docker.io/a/b\"\n", "", "line 1: missing field `repository`");
        check("\"docker.io/a/b\"", "\"docker", "line 1: invalid basic string, expected `\"`");
    }

    #[test]
    fn only_what_would_be_told_as_new_is_refused() {
        let with = |line: &str| Config::parse(&format!("{GOOD}{line}\n"));
        let config = with("refused-targets = [\"foo\"]\nrefused-hosts = [\"sparc64\", \"arm64\"]").unwrap();
        assert_eq!(config.refused_targets, ["foo"]);
        assert_eq!(config.refused_hosts, ["sparc64", "arm64"]);
        for (line, expected) in [
            (
                "refused-targets = [\"arm64\"]",
                "line 4: `refused-targets`: `aarch64` is known to qus, and so never new",
            ),
            ("refused-hosts = [\"arm/v7\"]", "line 4: `refused-hosts`: `arm32v7` is one of `hosts`"),
            (
                "refused-hosts = [\"aarch64\"]",
                "line 4: `refused-hosts`: Debian's name of `arm64v8` is `arm64`",
            ),
            ("refused-hosts = [\"hppa\", \"hppa\"]", "line 4: `refused-hosts`: `hppa` is listed twice"),
        ] {
            assert_eq!(with(line).unwrap_err(), expected);
        }
    }

    #[test]
    fn only_retired_targets_are_retired() {
        let text = format!("{GOOD}retired = [\"cris\", \"arm\"]\n");
        assert_eq!(Config::parse(&text).unwrap_err(), "line 4: `retired`: unknown retired target `arm`");
    }
}
