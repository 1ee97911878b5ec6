//! The C library that `register` is linked with: Debian's musl for each host, pinned by `images/libc.lock`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use arch::Host;
use base::Hinted;
use debian::deb;
use debian::lock::{Lock, Package};
use debian::progress::Progress;

use crate::Site;

/// The files that a static program is linked with, as Debian's `musl-dev` has them in `usr/lib/TRIPLE-linux-musl`: the
/// library, and what stands before and behind a program's own code.
const FILES: [&str; 4] = ["libc.a", "crt1.o", "crti.o", "crtn.o"];

/// The most that one of [`FILES`] may have. Today's largest has 3 MB.
const LIMIT: u64 = 32 << 20;

/// The lock that says which package each host's is taken from.
pub fn lock_path(workspace: &Path) -> PathBuf {
    workspace.join("images/libc.lock")
}

/// The unpacked library of one host.
pub(super) struct Libc {
    folder: PathBuf,
}

impl Libc {
    /// Fetches and unpacks the libraries of `hosts` below `into`.
    pub(super) fn ensure(
        hosts: &[Host],
        site: &Site,
        into: &Path,
        progress: &dyn Progress,
    ) -> anyhow::Result<Vec<Libc>> {
        let lock = Lock::load(&lock_path(&site.workspace))?;
        let runtime = base::runtime()?;
        hosts
            .iter()
            .map(|&host| {
                let package = lock.libc(host).ok_or_else(|| {
                    Hinted::new(
                        format!("images/libc.lock has no C library for the host `{host}`"),
                        "run `cargo xtask lock --libc`",
                    )
                })?;
                let folder = into.join(&package.digest.hex()[..16]);
                if !folder.exists() {
                    let urls = lock.urls(&site.mirror, package);
                    let what = format!("{} {} for {host}", package.name, package.version);
                    runtime
                        .block_on(site.fetch.pinned(&urls, package.size, package.digest, progress))
                        .with_context(|| format!("cannot get {what} ({})", package.suite))?;
                    unpack(package, site, &folder).with_context(|| format!("cannot unpack {what}"))?;
                }
                Ok(Libc { folder })
            })
            .collect()
    }

    /// The folder of its files.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of its files.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Unpacks [`FILES`] into `folder`, whole or not at all.
fn unpack(package: &Package, site: &Site, folder: &Path) -> anyhow::Result<()> {
    let parent = folder.parent().context("the folder has a parent")?;
    fs::create_dir_all(parent)?;
    let staging = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(parent)?;
    let mut missing = FILES.to_vec();
    let file = site.fetch.cache().read(package.size, &package.digest)?;
    deb::walk(file, &mut |_, member| -> anyhow::Result<()> {
        let path = PathBuf::from(&member.path);
        let place = path.parent().and_then(Path::to_str).unwrap_or_default();
        let is_library = place.starts_with("usr/lib/") && place.contains("-linux-musl");
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_library && member.kind == deb::Kind::File && missing.contains(&name) {
            fs::write(staging.path().join(name), member.read(LIMIT)?)?;
            missing.retain(|other| *other != name);
        }
        Ok(())
    })?;
    anyhow::ensure!(missing.is_empty(), "it has no {}", missing.join(", no "));
    // The standard library asks for an unwinder by this name, and takes nothing from it: see `Toolchain::linker`.
    fs::write(staging.path().join("libunwind.a"), "!<arch>\n")?;
    fs::rename(staging.keep(), folder)?;
    Ok(())
}
