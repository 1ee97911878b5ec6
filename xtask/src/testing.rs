//! `cargo xtask test`: every test, after the real images that the end-to-end tests run on were built.

mod binary;
mod outcome;
mod suite;

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use arch::{Host, Target};
use debian::Cache;
use debian::deb::{self, Kind};
use debian::fetch::{self, Address, Fetcher, Reason};
use debian::keyring::Keyring;
use debian::lock::Lock;
use debian::mirror::SNAPSHOT;
use debian::resolve::{self, Request};

use crate::cli::Sources;
use crate::cli::full::TestArgs;
use crate::context::{self, Site};
use crate::manual;
use crate::ui::Ui;
use builder::cache::{self, Limit};
use builder::cross;
use builder::images::{self, Order};
use builder::packing::Level;
use builder::plan::{Plan, Selection};
use builder::trace::Trace;

/// Names the real layout to the tests.
const LAYOUT: &str = "QUS_TEST_LAYOUT";
/// Where tests and end-to-end jobs have their images: `target/images` is the maintainer's.
pub(crate) const IMAGES: &str = "target/test-images";
/// Where tests and end-to-end jobs have the release assets for this machine; a release of its own is elsewhere.
pub(crate) const ASSETS: &str = "target/test-assets";
/// Names the folder with each host's `register` to the tests.
const REGISTER_DIR: &str = "QUS_TEST_REGISTER_DIR";
/// Names the lock that the layout was built from.
const LOCK: &str = "QUS_TEST_LOCK";
/// Names the folder with Debian's `qemu-user` for this machine to the tests, unpacked.
const QEMU_DIR: &str = "QUS_TEST_QEMU_DIR";

pub(crate) fn run(args: &TestArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    if let Some(outcomes) = std::env::var_os(binary::OUTCOMES) {
        return binary::run(&args.args, Path::new(&outcomes), ui);
    }
    let started = SystemTime::now();
    let limit = context::cache_limit(None)?;
    let workspace = context::workspace()?;
    let layout = workspace.join(IMAGES);
    let Prepared { lock, register, qemu } = prepare(&workspace, &layout, ui)?;
    let mut variables: Vec<(&str, &Path)> = vec![(LAYOUT, &layout), (LOCK, &lock), (REGISTER_DIR, &register)];
    match &qemu {
        Some(dir) => variables.push((QEMU_DIR, dir)),
        None => {
            ui.say("warning: no images are built for this machine's architecture: tests that run QEMU are skipped");
        }
    }
    let result = suite::run(&workspace, &variables, &args.args, ui);
    let bounded = cache::bound(&Cache::open(&context::cache_dir(None)?)?, limit, started, ui);
    result.and(bounded).map(|()| ExitCode::SUCCESS)
}

/// What the tests are told beside the layout.
struct Prepared {
    lock: PathBuf,
    register: PathBuf,
    qemu: Option<PathBuf>,
}

/// The real images and release assets, and what they were made from.
pub(crate) struct Real {
    pub(crate) lock: Lock,
    lock_path: PathBuf,
    pub(crate) site: Site,
}

/// What [`real`] makes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) images: bool,
    pub(crate) assets: bool,
    /// Go on with a new lock if the archive does not have a locked package any more.
    pub(crate) relock: bool,
}

/// The lock that tests use: inside of `cargo xtask test`, the one that it has settled on.
pub(crate) fn lock_path(workspace: &Path) -> PathBuf {
    let settled = std::env::var_os(LOCK).map(PathBuf::from);
    settled.unwrap_or_else(|| context::lock_path(workspace))
}

/// Builds every image into `layout`, and what is released for this machine into `assets`, as far as it is wanted.
pub(crate) fn real(
    workspace: &Path,
    layout: &Path,
    assets: &Path,
    wanted: Wanted,
    sources: &Sources,
    ui: &Ui,
) -> anyhow::Result<Real> {
    let site = Site::open(sources)?;
    let mut lock_path = lock_path(workspace);
    let mut lock = Lock::load(&lock_path)?;
    let build = |lock: &Lock| {
        let order = Order {
            site: &site.build,
            lock,
            repository: &site.config.repository,
            output: layout,
            jobs: None,
            level: Level::Quick,
            trace: Trace::default(),
        };
        if wanted.images {
            images::build(
                &Plan::new(&site.config.hosts, &Selection::default(), lock)?,
                &order,
                &images::Others::Remove,
                &ui.shared(),
            )?;
        }
        if !wanted.assets {
            return Ok(());
        }
        let release = release::Order {
            images: &order,
            configured: &site.config.hosts,
            hosts: Host::native().into_iter().collect(),
            targets: Vec::new(),
            output: assets.to_owned(),
            extras: manual::extras()?,
        };
        release::make(&release, &ui.shared()).map(drop)
    };
    if let Err(error) = build(&lock) {
        if !wanted.relock || !is_gone(&error) {
            return Err(error);
        }
        ui.say(format!("warning: {error:#}"));
        ui.say("the archive has moved on from the lock: the tests go on with a lock of their own, made now");
        lock = relock(&site, ui)?;
        build(&lock)?;
        lock_path = workspace.join("target/test.lock");
        lock.write(&lock_path)?;
    }
    Ok(Real { lock, lock_path, site })
}

/// Whether a build failed because the archive does not have a package any more. Whatever else there is to a download
/// (no network, other bytes, no cache) fails the tests: with other packages, they would hide it.
///
/// The snapshot archive, which keeps everything, is beyond the reach of many machines that have a mirror of their own. That
/// it cannot be reached says nothing about the mirror, which has to say by itself that the package is gone.
fn is_gone(error: &anyhow::Error) -> bool {
    let fetched = error.chain().find_map(|cause| cause.downcast_ref::<fetch::Error>());
    let Some(fetch::Error::Failed { failures, .. }) = fetched else { return false };
    let unreachable =
        |url: &Address, reason: &Reason| url.url().as_str().starts_with(SNAPSHOT) && reason.is_unreachable();
    failures.iter().any(|(_, reason)| reason.is_gone())
        && failures.iter().all(|(url, reason)| reason.is_gone() || unreachable(url, reason))
}

impl Real {
    /// Makes room in the cache again, as a build does. Inside of `cargo xtask test`, whose tests are not over and may use
    /// anything, that is for its end.
    pub(crate) fn bound_cache(&self, limit: Option<Limit>, since: SystemTime, ui: &Ui) -> anyhow::Result<()> {
        match std::env::var_os(LOCK) {
            Some(_) => Ok(()),
            None => cache::bound(self.site.build.fetch.cache(), limit, since, ui),
        }
    }
}

/// Builds the images that are tested, and unpacks this machine's QEMU.
fn prepare(workspace: &Path, layout: &Path, ui: &Ui) -> anyhow::Result<Prepared> {
    let assets = workspace.join(ASSETS);
    let wanted = Wanted { images: true, assets: true, relock: true };
    let Real { lock, lock_path, site } = real(workspace, layout, &assets, wanted, &Sources::default(), ui)?;
    let native = Host::native().ok();
    let _step = ui.moment("unpacking this machine's QEMU");
    let unpack = |host| unpack_qemu(&lock, host, &site.build.fetch, &workspace.join("target/test-qemu"));
    let register = cross::folder(workspace, &site.build.cache_dir)?;
    Ok(Prepared { register, qemu: native.map(unpack).transpose()?, lock: lock_path })
}

/// A lock from the archive as it is, with every concession that it takes: it is for tests, and goes nowhere.
fn relock(site: &Site, ui: &Ui) -> anyhow::Result<Lock> {
    let Site { config, build: builder::Site { workspace, fetch, mirror, .. } } = site;
    let keyring = Keyring::load(&workspace.join("images/keyrings"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut request = Request {
        suites: config.suites.clone(),
        hosts: config.hosts.iter().copied().collect(),
        targets: Target::current().collect(),
        allow_expired: config.suites.iter().cloned().collect(),
        now: context::now()?,
        ..Request::default()
    };
    loop {
        match runtime.block_on(resolve::resolve(fetch, mirror, &keyring, &request, ui)) {
            // Each round passes over at least one more, so this ends.
            Err(resolve::Error::Skewed { suite, hosts, .. }) => {
                request.without.extend(hosts.into_iter().map(|host| (suite.clone(), host)));
            }
            result => return Ok(result?),
        }
    }
}

/// Unpacks what tests use of the first QEMU package of `host`: the binaries, and Debian's own binfmt_misc lines.
pub(crate) fn unpack_qemu(lock: &Lock, host: Host, fetch: &Fetcher, to: &Path) -> anyhow::Result<PathBuf> {
    let package = lock.qemu(host).next().with_context(|| format!("{host} has no QEMU package"))?;
    let root = to.join(&package.digest.hex()[..16]);
    if root.exists() {
        return Ok(root);
    }
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let staging = tempfile::tempdir_in(to)?;
    let file = fetch.cache().read(package.size, &package.digest)?;
    deb::walk(file, &mut |_, member| -> anyhow::Result<()> {
        let wanted =
            member.path.starts_with("usr/bin/") || member.path.starts_with("usr/share/qemu/binfmt.d/");
        if member.kind == Kind::File && wanted {
            let path = staging.path().join(&member.path);
            fs::create_dir_all(path.parent().context("a member has a folder")?)?;
            let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&path)?;
            std::io::Write::write_all(&mut out, &member.read(64 << 20)?)?;
        }
        Ok(())
    })?;
    fs::rename(staging.keep(), &root).with_context(|| format!("cannot create {}", root.display()))?;
    Ok(root)
}

#[cfg(test)]
mod tests {
    use debian::fetch::Cause;

    use super::*;

    /// What a build says when the mirror and the snapshot archive fail like this.
    fn failed(mirror: Reason, snapshot: Reason) -> anyhow::Error {
        let failures = vec![
            ("http://mirror.example/debian/a.deb".parse().unwrap(), mirror),
            (format!("{SNAPSHOT}/20260101T000000Z/a.deb").parse().unwrap(), snapshot),
        ];
        let error = fetch::Error::Failed { name: "a.deb".to_owned(), failures };
        anyhow::Error::new(error).context("cannot get a 1 for amd64 (sid)")
    }

    #[test]
    fn only_an_archive_that_moved_on_makes_a_new_lock() {
        let status = |status: u16| Reason::Http(Cause::Status(status.try_into().unwrap()));
        let gone = || status(404);
        let unreachable = || Reason::Http(Cause::Transport("no route".to_owned()));
        let wrong = || Reason::Size { expected: 1, actual: 2 };
        for (mirror, snapshot, expected) in [
            (gone(), gone(), true),
            (gone(), status(410), true),
            (gone(), unreachable(), true),
            (gone(), wrong(), false),
            (gone(), status(503), false),
            (unreachable(), gone(), false),
            (unreachable(), unreachable(), false),
            (wrong(), gone(), false),
            (status(403), gone(), false),
        ] {
            let error = failed(mirror, snapshot);
            assert_eq!(is_gone(&error), expected, "{error:#}");
        }
        let offline = fetch::Error::Offline { name: "a.deb".to_owned() };
        assert!(!is_gone(&anyhow::Error::new(offline)));
        assert!(!is_gone(&anyhow::anyhow!("no space left")));
    }
}
