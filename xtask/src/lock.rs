//! `cargo xtask lock`: from Debian's archive to `images/debian.lock`, or how the two differ.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use arch::{Host, Target, UnknownName};
use debian::keyring::Keyring;
use debian::lock::Lock;
use debian::resolve::{self, Change, Request};
use serde::Serialize;

use crate::cache;
use crate::cli::LockArgs;
use crate::config::Config;
use crate::context;
use crate::error::Hinted;
use crate::report;
use crate::ui::{self, Ui};

/// What `--json` prints: how the archive, or the new lock, differs from the lock there was.
#[derive(Debug, Serialize)]
struct ChangesJson {
    changes: Vec<ChangeJson>,
}

#[derive(Debug, Serialize)]
struct ChangeJson {
    suite: String,
    host: Option<&'static str>,
    package: Option<String>,
    /// `version`, `contents`, `package-gone`, `host-gone` or `suite-gone`.
    change: &'static str,
    old: Option<String>,
    new: Option<String>,
}

pub(crate) fn run(args: &LockArgs) -> anyhow::Result<ExitCode> {
    let ui = Ui::new();
    let started = SystemTime::now();
    let limit = context::cache_limit(args.sources.cache_size)?;
    let workspace = context::workspace()?;
    let config = Config::load(&workspace.join("images/images.toml"))?;
    let cache_dir = context::cache_dir(args.sources.cache_dir.as_deref())?;
    let (fetch, mirror) = context::sources(&args.sources, &config, &cache_dir)?;
    let keyring = Keyring::load(&workspace.join("images/keyrings"))?;
    let request = request(args, &config)?;
    let path = context::lock_path(&workspace);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    context::announce(&mirror, &ui);

    if args.check {
        let lock = Lock::load(&path)?;
        let changes = runtime.block_on(resolve::check(&lock, &fetch, &mirror, &keyring, &request, &ui))?;
        ui::print(&render(&changes, args.json)?)?;
        return Ok(if changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let lock = runtime.block_on(resolve::resolve(&fetch, &mirror, &keyring, &request, &ui))?;
    cache::bound(fetch.cache(), limit, started, &ui)?;
    let old = Lock::load(&path).ok();
    let changed = old.as_ref() != Some(&lock);
    if changed {
        lock.write(&path)?;
    }
    if !args.json {
        ui::print(&summary(&lock, &config))?;
    } else {
        ui::print(&(serde_json::to_string_pretty(&cells(&lock))? + "\n"))?;
    }
    ui.note(format!("{} {}", if changed { "wrote" } else { "nothing changed in" }, path.display()));
    Ok(ExitCode::SUCCESS)
}

fn request(args: &LockArgs, config: &Config) -> anyhow::Result<Request> {
    let mut without = BTreeSet::new();
    for given in &args.without {
        let (name, host) = given.split_once('/').ok_or_else(|| {
            Hinted::new(
                format!("invalid --without `{given}`"),
                "it takes a suite and a Debian architecture: --without trixie/armel",
            )
        })?;
        let host: Host = host.parse().with_context(|| format!("invalid --without `{given}`"))?;
        without.insert((suite(name, config).with_context(|| format!("invalid --without `{given}`"))?, host));
    }
    let mut allow_expired = BTreeSet::new();
    for name in &args.allow_expired {
        allow_expired.insert(suite(name, config).context("invalid --allow-expired")?);
    }
    Ok(Request {
        suites: config.suites.clone(),
        hosts: config.hosts.iter().copied().collect(),
        targets: Target::current().chain(config.retired.iter().copied()).collect(),
        allow_expired,
        without,
        now: context::now()?,
    })
}

fn suite(name: &str, config: &Config) -> Result<String, UnknownName> {
    match config.suites.iter().any(|suite| suite == name) {
        true => Ok(name.to_owned()),
        false => Err(UnknownName::new("suite", name, crate::config::SUITES)),
    }
}

fn render(changes: &[Change], json: bool) -> anyhow::Result<String> {
    if json {
        let changes = changes.iter().map(change_json).collect();
        return Ok(serde_json::to_string_pretty(&ChangesJson { changes })? + "\n");
    }
    if changes.is_empty() {
        return Ok("the archive has nothing newer\n".to_owned());
    }
    let mut rows = vec![["SUITE", "HOST", "PACKAGE", "LOCKED", "ARCHIVE"].map(str::to_owned)];
    for change in changes.iter().map(change_json) {
        let gone = change.change.ends_with("-gone").then(|| "gone".to_owned());
        let new = change.new.or(gone).unwrap_or_else(|| "other contents".to_owned());
        let dash = || "-".to_owned();
        let host = change.host.map_or_else(dash, str::to_owned);
        rows.push([
            change.suite,
            host,
            change.package.unwrap_or_else(dash),
            change.old.unwrap_or_else(dash),
            new,
        ]);
    }
    Ok(report::render(&rows))
}

fn change_json(change: &Change) -> ChangeJson {
    let base = |suite: &str, change: &'static str| ChangeJson {
        suite: suite.to_owned(),
        host: None,
        package: None,
        change,
        old: None,
        new: None,
    };
    match change {
        Change::Version { suite, host, package, old, new } => ChangeJson {
            host: Some(host.name()),
            package: Some(package.clone()),
            old: Some(old.clone()),
            new: Some(new.clone()),
            ..base(suite, "version")
        },
        Change::Contents { suite, host, package, version } => ChangeJson {
            host: Some(host.name()),
            package: Some(package.clone()),
            old: Some(version.clone()),
            ..base(suite, "contents")
        },
        Change::PackageGone { suite, host, package } => ChangeJson {
            host: Some(host.name()),
            package: Some(package.clone()),
            ..base(suite, "package-gone")
        },
        Change::HostGone { suite, host } => {
            ChangeJson { host: Some(host.name()), ..base(suite, "host-gone") }
        }
        Change::SuiteGone { suite } => base(suite, "suite-gone"),
    }
}

/// Which package gives how many targets to which host.
fn summary(lock: &Lock, config: &Config) -> String {
    let mut rows = vec![["HOST", "PACKAGE", "VERSION", "SUITE", "TARGETS", "SIZE"].map(str::to_owned)];
    for host in &config.hosts {
        for package in lock.qemu(*host).chain(lock.busybox(*host)) {
            let targets = package.targets().count();
            rows.push([
                host.to_string(),
                package.name.clone(),
                package.version.clone(),
                package.suite.clone(),
                if targets == 0 { "-".to_owned() } else { targets.to_string() },
                ui::size(package.size),
            ]);
        }
    }
    report::render(&rows)
}

#[derive(Debug, Serialize)]
struct PackageJson<'a> {
    host: &'a str,
    package: &'a str,
    version: &'a str,
    suite: &'a str,
    targets: Vec<&'static str>,
    size: u64,
    digest: String,
}

fn cells(lock: &Lock) -> Vec<PackageJson<'_>> {
    lock.packages()
        .iter()
        .map(|package| PackageJson {
            host: package.host.name(),
            package: &package.name,
            version: &package.version,
            suite: &package.suite,
            targets: package.targets().map(Target::name).collect(),
            size: package.size,
            digest: package.digest.to_string(),
        })
        .collect()
}
