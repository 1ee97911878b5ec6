//! `cargo xtask test`: every test, after the real images that the end-to-end tests run on were built.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use arch::{Host, Target};
use debian::deb::{self, Kind};
use debian::fetch::Fetcher;
use debian::keyring::Keyring;
use debian::lock::Lock;
use debian::resolve::{self, Request};

use crate::cli::{Sources, TestArgs};
use crate::context::{self, Site};
use crate::cross;
use crate::images::{self, Order};
use crate::packing::Level;
use crate::plan::{Plan, Selection};
use crate::release;
use crate::trace::Trace;
use crate::ui::Ui;

/// Names the real layout to the tests.
const LAYOUT: &str = "QUS_TEST_LAYOUT";
/// Where tests and end-to-end jobs have the release assets for this machine; a release of its own is elsewhere.
pub(crate) const ASSETS: &str = "target/test-assets";
/// Names the folder with each host's `register` to the tests.
const REGISTER_DIR: &str = "QUS_TEST_REGISTER_DIR";
/// Names the lock that the layout was built from.
const LOCK: &str = "QUS_TEST_LOCK";
/// Names the folder with Debian's `qemu-user` for this machine to the tests, unpacked.
const QEMU_DIR: &str = "QUS_TEST_QEMU_DIR";

pub(crate) fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let ui = Ui::new();
    let workspace = context::workspace()?;
    let layout = workspace.join("target/images");
    let Prepared { lock, register, qemu } = prepare(&workspace, &layout, &ui)?;
    let mut command = Command::new("cargo");
    command
        .args(["test", "--workspace", "--locked"])
        .args(&args.args)
        .current_dir(&workspace)
        .env(LAYOUT, &layout)
        .env(LOCK, &lock)
        .env(REGISTER_DIR, &register);
    match &qemu {
        Some(dir) => {
            command.env(QEMU_DIR, dir);
        }
        None => {
            ui.note("no images are built for this machine's architecture: tests that run QEMU are skipped");
        }
    }
    let status = command.status().context("cannot run cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
    site: Site,
}

/// Builds every image into `layout`, and what is released for this machine into `assets`; from a lock of its own if a
/// locked package cannot be had any more.
pub(crate) fn real(workspace: &Path, layout: &Path, assets: &Path, ui: &Ui) -> anyhow::Result<Real> {
    let site = Site::open(&Sources::default())?;
    // Inside of `cargo xtask test`, with the lock that it has settled on.
    let settled = std::env::var_os(LOCK).map(PathBuf::from);
    let mut lock_path = settled.unwrap_or_else(|| context::lock_path(workspace));
    let mut lock = Lock::load(&lock_path)?;
    let build = |lock: &Lock| {
        let order = Order {
            site: &site,
            lock,
            repository: &site.config.repository,
            output: layout,
            jobs: None,
            level: Level::Quick,
            trace: Trace::default(),
        };
        images::build(&Plan::new(&site.config.hosts, &Selection::default(), lock)?, &order, ui)?;
        let release = release::Order {
            images: &order,
            hosts: std::env::consts::ARCH.parse().into_iter().collect(),
            targets: Vec::new(),
            output: assets.to_owned(),
        };
        release::make(&release, ui).map(drop)
    };
    if let Err(error) = build(&lock) {
        if !error.chain().any(<dyn std::error::Error>::is::<debian::fetch::Error>) {
            return Err(error);
        }
        ui.note(format!("{error:#}"));
        ui.note(
            "a locked package cannot be had any more: the tests go on with a lock of their own, made now",
        );
        lock = relock(&site, ui)?;
        build(&lock)?;
        lock_path = workspace.join("target/test.lock");
        lock.write(&lock_path)?;
    }
    Ok(Real { lock, lock_path, site })
}

/// Builds the images that are tested, and unpacks this machine's QEMU.
fn prepare(workspace: &Path, layout: &Path, ui: &Ui) -> anyhow::Result<Prepared> {
    let assets = workspace.join(ASSETS);
    let Real { lock, lock_path, site } = real(workspace, layout, &assets, ui)?;
    let native: Option<Host> = std::env::consts::ARCH.parse().ok();
    let unpack = |host| unpack_qemu(&lock, host, &site.fetch, &workspace.join("target/test-qemu"));
    let register = cross::folder(workspace, &site.cache_dir)?;
    Ok(Prepared { register, qemu: native.map(unpack).transpose()?, lock: lock_path })
}

/// A lock from the archive as it is, with every concession that it takes: it is for tests, and goes nowhere.
fn relock(site: &Site, ui: &Ui) -> anyhow::Result<Lock> {
    let Site { workspace, config, fetch, mirror, .. } = site;
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
