//! The things that tests are given, by variables of their environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use arch::Host;
use builder::cache::{self, Limit};
use builder::{Site, cross};
use debian::Cache;
use debian::lock::Lock;
use ui::Ui;

use crate::qemu;

/// Names the real layout to the tests.
const LAYOUT: &str = "QUS_TEST_LAYOUT";
/// Names the lock that the layout was built from.
const LOCK: &str = "QUS_TEST_LOCK";
/// Names the folder with each host's `register` to the tests.
const REGISTER_DIR: &str = "QUS_TEST_REGISTER_DIR";
/// Names the folder with Debian's `qemu-user` for this machine to the tests, unpacked.
const QEMU_DIR: &str = "QUS_TEST_QEMU_DIR";

/// The lock that was settled on; none outside of [`run()`](crate::run()).
pub fn lock() -> Option<PathBuf> {
    std::env::var_os(LOCK).map(PathBuf::from)
}

/// Makes room in the cache again, as a build does. Inside of [`run()`](crate::run()), whose tests are not over and may use
/// anything, that is for its end.
pub fn bound_cache(cache: &Cache, limit: Option<Limit>, since: SystemTime, ui: &Ui) -> anyhow::Result<()> {
    match lock() {
        Some(_) => Ok(()),
        None => cache::bound(cache, limit, since, ui),
    }
}

/// The variables for tests of the images in `layout`, which were made from `lock`, the file at `path`.
pub(crate) fn variables(
    layout: &Path,
    lock: &Lock,
    path: &Path,
    site: &Site,
    ui: &Ui,
) -> anyhow::Result<Vec<(&'static str, OsString)>> {
    let register = cross::folder(&site.workspace, &site.cache_dir)?;
    let mut variables =
        vec![(LAYOUT, layout.into()), (LOCK, path.into()), (REGISTER_DIR, register.into_os_string())];
    let _step = ui.moment("unpacking this machine's QEMU");
    match Host::native() {
        Ok(host) => {
            let dir = qemu::unpack(lock, host, site, &site.workspace.join("target/test-qemu"), ui)?;
            variables.push((QEMU_DIR, dir.into_os_string()));
        }
        Err(_) => {
            ui.say("warning: no images are built for this machine's architecture: tests that run QEMU are skipped");
        }
    }
    Ok(variables)
}
