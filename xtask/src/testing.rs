//! `cargo xtask test`: every test, after the real images that the end-to-end tests run on were built.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use builder::{cache, images};
use debian::Cache;
use debian::lock::Lock;
use suite::{Place, Wanted, binary};
use ui::Ui;

use crate::cli::Sources;
use crate::cli::full::{TESTS, TestArgs};
use crate::context::{self, Site};
use crate::manual;

/// The layout where tests and end-to-end jobs have their images: `target/images` is the maintainer's.
pub(crate) const IMAGES: &str = "target/test-images";
/// The folder where tests and end-to-end jobs have the release assets for this machine; a release of its own is elsewhere.
pub(crate) const ASSETS: &str = "target/test-assets";
/// The bytes that a first run takes: the images, what cargo compiles, and what tests write.
const ROOM: u64 = 12_000_000_000;

pub(crate) fn run(args: &TestArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    if let Some(outcomes) = std::env::var_os(binary::OUTCOMES) {
        return binary::run(&args.args, Path::new(&outcomes), ui);
    }
    let started = SystemTime::now();
    let limit = context::cache_limit(None)?;
    let workspace = context::workspace()?;
    let layout = workspace.join(IMAGES);
    if let Some(lack) = images::lack_of_room(&layout, "a first run of all tests", ROOM) {
        ui.say(format!("warning: {lack}"));
    }
    let wanted = Wanted { images: true, assets: true, relock: true };
    let Real { lock, lock_path, site } = real(wanted, &Sources::default(), ui)?;
    let arguments: Vec<&str> = TESTS.into_iter().chain(args.args.iter().map(String::as_str)).collect();
    let result = suite::run(&layout, (&lock, &lock_path), &site.build, &arguments, ui);
    let bounded = cache::bound(&Cache::open(&context::cache_dir(None)?)?, limit, started, ui);
    result.and(bounded).map(|()| ExitCode::SUCCESS)
}

/// The real images and release assets, and what they were made from.
pub(crate) struct Real {
    pub(crate) lock: Lock,
    lock_path: PathBuf,
    pub(crate) site: Site,
}

/// The lock that tests use: inside of `cargo xtask test`, the one that it has settled on.
pub(crate) fn lock_path(workspace: &Path) -> PathBuf {
    suite::lock().unwrap_or_else(|| context::lock_path(workspace))
}

/// Builds every image, and what is released for this machine, as far as it is wanted.
pub(crate) fn real(wanted: Wanted, sources: &Sources, ui: &Ui) -> anyhow::Result<Real> {
    let _step = ui.moment("preparing what tests run on");
    let site = Site::open(sources)?;
    let workspace = &site.build.workspace;
    let place = Place {
        config: &site.config,
        site: &site.build,
        lock: lock_path(workspace),
        layout: &workspace.join(IMAGES),
        assets: &workspace.join(ASSETS),
        extras: manual::extras()?,
        now: context::now()?,
    };
    let (lock, lock_path) = suite::real(wanted, place, ui)?;
    Ok(Real { lock, lock_path, site })
}
