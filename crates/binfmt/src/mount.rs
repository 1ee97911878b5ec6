//! The place where binfmt_misc is mounted, and mounting it.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use crate::error::{Error, Result};
use crate::kernel::{in_initial_pid_namespace, in_initial_user_namespace};

/// The place where the kernel makes a directory for it, and every tool looks for it.
pub const DEFAULT: &str = "/proc/sys/fs/binfmt_misc";

/// `BINFMTFS_MAGIC` in include/uapi/linux/magic.h.
const BINFMTFS_MAGIC: u32 = 0x4249_4e4d;
/// `AUTOFS_SUPER_MAGIC`, in the same file.
const AUTOFS_MAGIC: u32 = 0x0187;
/// `PROC_SUPER_MAGIC`, in the same file.
const PROC_MAGIC: u32 = 0x9fa0;

/// The kind of thing at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// binfmt_misc.
    Mounted {
        /// True if it can only be read through this mount.
        read_only: bool,
    },
    /// An automount point that this process did not get to answer.
    Autofs,
    /// Something else.
    NotMounted,
    /// Nothing.
    Missing,
}

/// Finds out what is at `dir`.
///
/// # Errors
/// [`Error::Io`], if the kernel does not say.
pub fn state(dir: &Path) -> Result<State> {
    // The trailing `.` makes an automount point answer first.
    let inside = dir.join(".");
    let io = |errno: Errno| Error::Io { operation: "look at", path: dir.to_owned(), source: errno.into() };
    let kind = match rustix::fs::statfs(&inside) {
        // The field's type differs between machines; the magic numbers have 32 bits everywhere.
        #[allow(clippy::unnecessary_cast, clippy::cast_possible_truncation, reason = "see above")]
        Ok(stat) => stat.f_type as u32,
        // One whose daemon is not there (any more) gives ENOENT and other errors.
        Err(_) if is_autofs(dir) => return Ok(State::Autofs),
        Err(Errno::NOENT) => return Ok(State::Missing),
        Err(errno) => return Err(io(errno)),
    };
    match kind {
        BINFMTFS_MAGIC => {
            let flags = rustix::fs::statvfs(&inside).map_err(io)?.f_flag;
            Ok(State::Mounted { read_only: flags.contains(StatVfsMountFlags::RDONLY) })
        }
        AUTOFS_MAGIC => Ok(State::Autofs),
        _ => Ok(State::NotMounted),
    }
}

/// Looks without waking the automount point: with `O_PATH` alone, nothing is mounted (open(2)).
fn is_autofs(dir: &Path) -> bool {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let stat = rustix::fs::open(dir, flags, Mode::empty()).and_then(rustix::fs::fstatfs);
    #[allow(clippy::unnecessary_cast, clippy::cast_possible_truncation, reason = "as in `state`")]
    stat.is_ok_and(|stat| stat.f_type as u32 == AUTOFS_MAGIC)
}

/// The place where this process's mount namespace has it: bound in at another path than [`DEFAULT`], perhaps.
pub fn mounts() -> Vec<PathBuf> {
    let text = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    parse_mountinfo(&text)
}

/// The mount points of type binfmt_misc (proc_pid_mountinfo(5): the fifth field, and the first after ` - `).
fn parse_mountinfo(text: &[u8]) -> Vec<PathBuf> {
    let lines = text.split(|byte| *byte == b'\n');
    let points = lines.filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ');
        let point = fields.nth(4)?;
        fields.find(|field| *field == b"-")?;
        (fields.next()? == b"binfmt_misc").then(|| PathBuf::from(OsString::from_vec(unescaped(point))))
    });
    points.collect()
}

/// Undoes the octal escapes of spaces, tabs, line breaks and backslashes.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

/// The instance that a mount gave access to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instance {
    /// One that was made by mounting it.
    New,
    /// One that is mounted elsewhere too, or has been used before.
    Existing,
}

/// Mounts binfmt_misc at `dir`.
///
/// # Errors
/// One of its own for each cause: no /proc, no kernel support, no permission, an automount point in the way.
pub fn mount(dir: &Path) -> Result<Instance> {
    if state(dir)? == State::Missing {
        // Asking for the file system makes the kernel load its module, which makes the directory. The answer itself
        // does not matter: the directory is there afterwards, or it is not.
        let _ = rustix::mount::fsopen("binfmt_misc", rustix::mount::FsOpenFlags::FSOPEN_CLOEXEC);
    }
    let dir = dir.to_owned();
    match state(&dir)? {
        State::Mounted { .. } => return Ok(Instance::Existing),
        State::Missing => return Err(missing(dir)),
        State::Autofs => return Err(Error::Autofs { dir }),
        State::NotMounted => {}
    }
    let before = SystemTime::now();
    match rustix::mount::mount("binfmt_misc", &dir, "binfmt_misc", MountFlags::empty(), None) {
        Ok(()) => Ok(instance(&dir, before)),
        Err(Errno::PERM | Errno::ACCESS) => {
            Err(Error::MayNotMount { dir, user_namespace: !in_initial_user_namespace() })
        }
        Err(Errno::NODEV) => Err(Error::NoSuchFileSystem { dir }),
        Err(errno) => Err(Error::Mount { dir, source: io::Error::from(errno) }),
    }
}

/// The reason for a folder that is not there: the kernel makes it in its own /proc, and nowhere else.
fn missing(dir: PathBuf) -> Error {
    let parent_is_procfs = dir.parent().is_some_and(is_procfs);
    match dir.starts_with("/proc") {
        _ if parent_is_procfs => Error::NoSupport { dir },
        true => Error::NoProc { dir },
        false => Error::NoFolder { dir },
    }
}

fn is_procfs(dir: &Path) -> bool {
    let stat = rustix::fs::statfs(dir);
    #[allow(clippy::unnecessary_cast, clippy::cast_possible_truncation, reason = "as in `state`")]
    stat.is_ok_and(|stat| stat.f_type as u32 == PROC_MAGIC)
}

/// A mount that is undone with this value.
#[derive(Debug)]
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // A process that could mount it can unmount it, unless another has.
        let _ = rustix::mount::unmount(&self.0, UnmountFlags::DETACH);
    }
}

/// True if what this process mounts is there for the whole machine: if the first process has it among its mounts. A container
/// with the machine's processes but mounts of its own (`--pid host`) shows by that.
pub(crate) fn is_the_machines_own() -> bool {
    let init = std::fs::read("/proc/1/mountinfo").ok();
    reaches_the_machine(in_initial_user_namespace(), in_initial_pid_namespace(), init.as_deref())
}

/// `init` is the first process's mountinfo; where it cannot be read, the namespaces are all there is to go by.
fn reaches_the_machine(initial_user: bool, initial_pid: bool, init: Option<&[u8]>) -> bool {
    initial_user && initial_pid && init.is_none_or(|mounts| !parse_mountinfo(mounts).is_empty())
}

/// True if what is registered in the instance that is mounted at `dir` is still there after it was unmounted. It is mounted
/// again, and nothing is left in it.
pub fn outlives_its_mount(dir: &Path) -> bool {
    // By the end of a file's name, which is no file's: the interpreter does not matter.
    const NAME: &str = "qus-mount-trial";
    let remount = || {
        std::fs::write(dir.join("register"), format!(":{NAME}:E::{NAME}::/{NAME}:"))?;
        rustix::mount::unmount(dir, UnmountFlags::empty())?;
        rustix::mount::mount("binfmt_misc", dir, "binfmt_misc", MountFlags::empty(), None)?;
        io::Result::Ok(())
    };
    let is_mounted_again = remount().is_ok();
    // Nothing to remove is the answer no; where it could not be tried, it is not relied on.
    std::fs::OpenOptions::new()
        .write(true)
        .open(dir.join(NAME))
        .and_then(|mut file| file.write_all(b"-1"))
        .is_ok()
        && is_mounted_again
}

/// The kernel makes the file `register` together with the instance, so that its age is the instance's.
fn instance(dir: &Path, before: SystemTime) -> Instance {
    // File times come from a clock that ticks up to a hundred times a second.
    const TICK: Duration = Duration::from_millis(20);
    let made = dir.join("register").metadata().and_then(|metadata| metadata.modified());
    match made {
        Ok(made) if made + TICK < before => Instance::Existing,
        _ => Instance::New,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_found_by_type_and_unescaped() {
        let text = b"23 28 0:22 / /proc rw,relatime shared:13 - proc proc rw\n\
            47 23 0:40 / /proc/sys/fs/binfmt_misc rw,nosuid shared:20 master:2 - binfmt_misc binfmt_misc rw\n\
            48 23 0:40 / /mnt/a\\040b\\134c ro - binfmt_misc none rw\n\
            49 23 0:40 / /binfmt_misc rw - tmpfs binfmt_misc rw\nshort line\n\n";
        assert_eq!(parse_mountinfo(text), [PathBuf::from(DEFAULT), PathBuf::from("/mnt/a b\\c")],);
    }

    #[test]
    fn a_mount_is_the_machines_where_its_first_process_has_it() {
        let with = b"47 23 0:40 / /proc/sys/fs/binfmt_misc rw - binfmt_misc binfmt_misc rw\n".as_slice();
        let without = b"23 28 0:22 / /proc rw,relatime - proc proc rw\n".as_slice();
        for (user, pid, init, expected) in [
            (true, true, Some(with), true),
            // `docker run --privileged --pid host`: the machine's processes, and mounts of its own.
            (true, true, Some(without), false),
            // A container: its first process has what it has mounted.
            (true, false, Some(with), false),
            (false, true, Some(with), false),
            (true, true, None, true),
        ] {
            assert_eq!(reaches_the_machine(user, pid, init), expected, "{user} {pid}");
        }
    }

    #[test]
    fn states_of_paths_without_binfmt_misc() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(state(dir.path()).unwrap(), State::NotMounted);
        assert_eq!(state(&dir.path().join("missing")).unwrap(), State::Missing);
        std::fs::write(dir.path().join("file"), "").unwrap();
        let file = dir.path().join("file");
        assert_eq!(
            state(&file).unwrap_err().to_string(),
            format!("cannot look at {}: Not a directory (os error 20)", file.display())
        );
    }
}
