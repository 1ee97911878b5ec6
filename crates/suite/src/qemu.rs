//! This machine's QEMU, for tests that run foreign programs.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use arch::Host;
use builder::Site;
use builder::build::fetch_packages;
use debian::deb::{self, Kind};
use debian::{Lock, Progress};

/// Unpacks what tests use of the first QEMU package of `host`: the binaries, and Debian's own binfmt_misc lines.
pub fn unpack(
    lock: &Lock,
    host: Host,
    site: &Site,
    to: &Path,
    progress: &dyn Progress,
) -> anyhow::Result<PathBuf> {
    let package = lock.qemu(host).next().with_context(|| format!("{host} has no QEMU package"))?;
    let root = to.join(&package.digest.hex()[..16]);
    if root.exists() {
        return Ok(root);
    }
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let staging = tempfile::tempdir_in(to)?;
    // Images that were made before need no packages.
    fetch_packages(site, lock, [package].into_iter(), progress)?;
    let file = site.fetch.cache().read(package.size, &package.digest)?;
    deb::walk(file, &mut |_, member| -> anyhow::Result<()> {
        let wanted =
            member.path.starts_with("usr/bin/") || member.path.starts_with("usr/share/qemu/binfmt.d/");
        if member.kind == Kind::File && wanted {
            let path = staging.path().join(&member.path);
            fs::create_dir_all(path.parent().context("a member has a folder")?)?;
            let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&path)?;
            out.write_all(&member.read(64 << 20)?)?;
        }
        Ok(())
    })?;
    fs::rename(staging.keep(), &root).with_context(|| format!("cannot create {}", root.display()))?;
    Ok(root)
}
