//! The root that the command gets: this process's, or a folder.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::thread::UnshareFlags;

/// A root.
#[derive(Debug)]
pub struct Place {
    dir: Option<(PathBuf, OwnedFd)>,
}

impl Place {
    /// The folder `dir`, or what this process has.
    ///
    /// # Errors
    /// If the folder cannot be opened.
    pub fn new(dir: Option<&Path>) -> io::Result<Place> {
        let open = |dir: &Path| -> io::Result<_> {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok((dir.to_owned(), rustix::fs::open(dir, flags, Mode::empty())?))
        };
        Ok(Place { dir: dir.map(open).transpose()? })
    }

    /// Opens the file at `path` in this place, if it can be executed.
    ///
    /// # Errors
    /// The kernel's; EACCES for what is no regular file, as execve(2) has it.
    pub fn open(&self, path: &[u8]) -> Result<File, Errno> {
        // A FIFO must not make this program wait.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = match &self.dir {
            None => rustix::fs::open(path, flags, Mode::empty())?,
            Some((_, dir)) => rustix::fs::openat2(dir, path, flags, Mode::empty(), ResolveFlags::IN_ROOT)?,
        };
        let file = File::from(file);
        watch::may_execute(&file).map(|()| file)
    }

    /// True if entering it takes a right that this process does not have.
    pub fn needs_namespace(&self) -> bool {
        self.dir.is_some() && !rustix::process::geteuid().is_root()
    }

    /// Makes it this process's root, in a user namespace where that is needed and this process is not in one of its own already.
    ///
    /// # Errors
    /// The kernel's, with the call.
    pub fn enter(&self, is_in_namespace: bool) -> Result<(), (String, io::Error)> {
        let Some((path, dir)) = &self.dir else { return Ok(()) };
        if self.needs_namespace() && !is_in_namespace {
            unshare(UnshareFlags::NEWUSER, ids())?;
        }
        let enter = || {
            rustix::process::fchdir(dir)?;
            rustix::process::chroot(".")
        };
        enter().map_err(|errno| (format!("cannot enter {}", path.display()), errno.into()))
    }
}

/// The user and the group of this process.
pub(crate) fn ids() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// Moves this process into namespaces of its own, a user namespace among them, whose only user and group it is: under the numbers
/// `inside`.
///
/// # Errors
/// The kernel's, with the call.
pub(crate) fn unshare(flags: UnshareFlags, inside: (u32, u32)) -> Result<(), (String, io::Error)> {
    let (uid, gid) = ids();
    #[allow(deprecated, reason = "it is for the table of descriptors, which stays shared")]
    let result = rustix::thread::unshare(flags);
    result.map_err(|errno| ("cannot make a user namespace".to_owned(), errno.into()))?;
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{} {uid} 1", inside.0)),
        ("gid_map", format!("{} {gid} 1", inside.1)),
    ] {
        let path = format!("/proc/self/{file}");
        std::fs::write(&path, text).map_err(|error| (format!("cannot write {path}"), error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn paths_and_links_stay_in_the_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path("bin")).unwrap();
        std::fs::write(path("bin/true"), "inside").unwrap();
        std::fs::set_permissions(path("bin/true"), PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::write(path("bin/no"), "inside").unwrap();
        std::os::unix::fs::symlink("/bin/true", path("link")).unwrap();
        let place = Place::new(Some(dir.path())).unwrap();
        for name in ["/bin/true", "bin/true", "/link", "/../../bin/true"] {
            let file = place.open(name.as_bytes()).unwrap();
            assert_eq!(std::io::read_to_string(file).unwrap(), "inside", "{name}");
        }
        assert_eq!(place.open(b"/bin").unwrap_err(), Errno::ACCESS);
        assert_eq!(place.open(b"/bin/no").unwrap_err(), Errno::ACCESS);
        assert_eq!(place.open(b"/etc/passwd").unwrap_err(), Errno::NOENT);
    }
}
