//! The files that a Debian root has before any package is unpacked into it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::Error;

/// Changes whenever trees are laid out in another way, so that those of older versions are not used.
pub(super) const VERSION: &[u8] = b"1";

const DIRECTORIES: [&str; 11] =
    ["dev", "etc", "proc", "root", "run", "shared", "sys", "tmp", "usr", "var/lib", "var/tmp"];

/// Debian's merged `/usr` (Debian policy, 10.1; usrmerge).
pub(super) const MERGED: [&str; 4] = ["bin", "lib", "lib64", "sbin"];

const FILES: [(&str, &str); 3] = [
    ("etc/group", "root:x:0:\ndocker:x:999:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
];

pub(super) fn write(root: &Path) -> Result<(), Error> {
    // A temporary directory is closed to others, a root must not be.
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).map_err(Error::file("open", root))?;
    for name in DIRECTORIES {
        let path = root.join(name);
        fs::create_dir_all(&path).map_err(Error::file("create", &path))?;
    }
    for name in MERGED {
        let path = root.join("usr").join(name);
        fs::create_dir_all(&path).map_err(Error::file("create", &path))?;
        let link = root.join(name);
        symlink(Path::new("usr").join(name), &link).map_err(Error::file("create", &link))?;
    }
    let link = root.join("var/run");
    symlink("../run", &link).map_err(Error::file("create", &link))?;
    for (name, text) in FILES {
        let path = root.join(name);
        fs::write(&path, text).map_err(Error::file("create", &path))?;
    }
    Ok(())
}
