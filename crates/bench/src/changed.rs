//! A workspace in which one package has changed: the same binaries in another .deb.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use debian::lock::{Lock, Package};
use digest::Digest;

use crate::scratch::Scratch;

/// A member that may follow `data.tar` in a .deb (deb(5)): its name begins with an underscore. It takes 60 bytes of
/// header and an even number of bytes.
const MEMBER: &str = "_bench          0           0     0     100644  2         `\nx\n";

/// Puts the changed package into the scratch folder's cache, and makes a workspace whose lock names it; returns the folder of its
/// `xtask`. Everything but `images/` leads to the real one.
pub(crate) fn workspace(
    real: &Path,
    lock: &Lock,
    package: &Package,
    scratch: &Scratch,
) -> anyhow::Result<PathBuf> {
    let store = scratch.cache().join("sha256");
    let mut bytes =
        fs::read(store.join(package.digest.hex())).context("cannot read a package of the cache")?;
    // Members begin at even places.
    if bytes.len() % 2 == 1 {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(MEMBER.as_bytes());
    let digest = Digest::of(&bytes);
    fs::write(store.join(digest.hex()), &bytes).context("cannot write the changed package")?;

    let packages = lock.packages().iter().cloned().map(|other| match other == *package {
        true => Package { size: bytes.len() as u64, digest, ..other },
        false => other,
    });
    let changed = Lock::new(lock.suites().to_vec(), packages.collect())?;
    let root = scratch.path("workspace");
    fs::create_dir_all(root.join("images"))?;
    for entry in fs::read_dir(real)? {
        let name = entry?.file_name();
        if name != "images" {
            link(&real.join(&name), &root.join(&name))?;
        }
    }
    for name in ["images.toml", "keyrings"] {
        link(&real.join("images").join(name), &root.join("images").join(name))?;
    }
    changed.write(&root.join("images/debian.lock"))?;
    Ok(root.join("xtask"))
}

fn link(to: &Path, at: &Path) -> anyhow::Result<()> {
    match symlink(to, at) {
        // From an earlier run in the same folder.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        result => result.with_context(|| format!("cannot create {}", at.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extra_member_is_one() {
        assert_eq!(MEMBER.len(), 60 + 2);
        assert_eq!(&MEMBER[58..60], "`\n");
    }
}
