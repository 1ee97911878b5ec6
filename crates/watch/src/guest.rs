//! Files as a watched process sees them: through its root, its mounts, its working directory and its rights.
//!
//! # Safety
//! setfsuid(2) and setfsgid(2) take numbers, and have no effect but on this thread's own rights.

#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use rustix::thread::CapabilitySets;

use crate::error::Error;
use crate::ptrace::Tid;

/// A file, whatever its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The file that is open.
    ///
    /// # Errors
    /// The kernel's.
    pub fn of(file: BorrowedFd<'_>) -> Result<FileId, Errno> {
        Ok(FileId::of_stat(&rustix::fs::fstat(file)?))
    }

    #[allow(clippy::useless_conversion, reason = "the types differ between machines")]
    fn of_stat(stat: &Stat) -> FileId {
        FileId { device: stat.st_dev.into(), inode: stat.st_ino.into() }
    }
}

/// `/proc`, held open so that it stays what it was, and this process's own place.
#[derive(Debug)]
pub(crate) struct Procfs {
    dir: OwnedFd,
    root: FileId,
    mounts: PathBuf,
    uid: Uid,
    gid: Gid,
}

const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);
/// A FIFO must not make the supervisor wait.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

impl Procfs {
    pub(crate) fn open() -> Result<Procfs, Error> {
        let open = || {
            let dir = rustix::fs::open("/proc", LOOK | OFlags::DIRECTORY, Mode::empty())?;
            // An empty folder is no /proc.
            let mounts = link(dir.as_fd(), "self/ns/mnt")?;
            let root = FileId::of_stat(&rustix::fs::stat("/")?);
            let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
            Ok(Procfs { dir, root, mounts, uid, gid })
        };
        open().map_err(Error::of("/proc"))
    }
}

/// A program that others are replaced by.
#[derive(Debug)]
pub struct Program {
    /// Open for reading, and for nothing else.
    pub file: File,
    /// The file.
    pub id: FileId,
    /// Its place, if it has one.
    pub path: Option<PathBuf>,
}

impl Procfs {
    /// A path that leads `guest` to the program: its own, or else that of the supervisor's descriptor.
    pub(crate) fn way(&self, guest: Guest<'_>, program: &Program) -> Option<Vec<u8>> {
        let own = program.path.clone().filter(|path| guest.sees(path, program.id));
        let path = own.or_else(|| {
            let pid = rustix::process::getpid();
            let path = PathBuf::from(format!("/proc/{pid}/fd/{}", program.file.as_raw_fd()));
            guest.sees(&path, program.id).then_some(path)
        });
        path.map(|path| path.into_os_string().into_vec())
    }
}

fn link(dir: BorrowedFd<'_>, path: &str) -> Result<PathBuf, Errno> {
    let target = rustix::fs::readlinkat(dir, path, Vec::new())?;
    Ok(PathBuf::from(std::ffi::OsStr::from_bytes(target.as_bytes())))
}

/// A thread that is stopped in its exec.
#[derive(Debug, Clone, Copy)]
pub struct Guest<'a> {
    procfs: &'a Procfs,
    tid: Tid,
}

/// Fails as execve(2) would for this file, as far as rights to files go. The file has been opened for reading, which an exec does
/// not need: one that may be executed and not read is beyond this check.
///
/// # Errors
/// EACCES for what is no regular file, has no execute permission for this process, or lies where nothing may be executed.
pub fn may_execute(file: &File) -> Result<(), Errno> {
    let mode = rustix::fs::fstat(file)?.st_mode;
    if !FileType::from_raw_mode(mode).is_file() {
        return Err(Errno::ACCESS);
    }
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    match rustix::fs::accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS) {
        // Before Linux 5.8 (faccessat2): the bits are all that there is to go by.
        Err(Errno::NOSYS) if mode & 0o111 == 0 => Err(Errno::ACCESS),
        Err(Errno::NOSYS) => Ok(()),
        result => result,
    }
}

/// Paths that mean another file in each process, and what they are below the process's folder in `/proc`.
const OWN: [(&[u8], &str); 3] = [(b"/proc/self/", ""), (b"/proc/thread-self/", ""), (b"/dev/fd/", "fd/")];

impl<'a> Guest<'a> {
    pub(crate) fn new(procfs: &'a Procfs, tid: Tid) -> Guest<'a> {
        Guest { procfs, tid }
    }

    /// The thread's number.
    pub fn tid(&self) -> i32 {
        self.tid
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.tid)
    }

    fn link(&self, name: &str) -> Result<PathBuf, Errno> {
        entitled(|| link(self.procfs.dir.as_fd(), &self.file(name)))
    }

    fn look(&self, name: &str) -> Result<OwnedFd, Errno> {
        self.open_own(self.file(name).as_bytes(), LOOK)
    }

    /// Opens what is in the process's folder in `/proc`.
    fn open_own(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        entitled(|| rustix::fs::openat(&self.procfs.dir, path, flags, Mode::empty()))
    }

    fn root(&self) -> Result<FileId, Errno> {
        let stat = || rustix::fs::statat(&self.procfs.dir, self.file("root"), AtFlags::empty());
        entitled(stat).map(|stat| FileId::of_stat(&stat))
    }

    /// True if the process may be looked into, which it may not after a change of its user. Reading its memory is another right.
    pub(crate) fn is_open(&self) -> bool {
        self.root() != Err(Errno::ACCESS)
    }

    /// True if paths mean the same in the process as here.
    fn shares_root(&self) -> bool {
        self.root() == Ok(self.procfs.root)
            && self.link("ns/mnt").is_ok_and(|mounts| mounts == self.procfs.mounts)
    }

    /// Opens a file to be read, as the process would to execute it: `path`, from `directory` on if that is given, else from the
    /// working directory.
    ///
    /// # Errors
    /// The kernel's; EACCES too for a file that the process may read and not execute.
    pub fn open(&self, directory: Option<RawFd>, path: &[u8]) -> Result<File, Errno> {
        let file = File::from(self.resolve(directory, path, READ)?);
        may_execute(&file).map(|()| file)
    }

    /// True if the process finds the file under this path.
    pub fn sees(&self, path: &Path, file: FileId) -> bool {
        let found = self.resolve(None, path.as_os_str().as_bytes(), LOOK);
        found.is_ok_and(|found| FileId::of(found.as_fd()) == Ok(file))
    }

    /// True if the descriptor goes away with an exec.
    pub fn closes_on_exec(&self, descriptor: RawFd) -> bool {
        let path = self.file(&format!("fdinfo/{descriptor}"));
        let Ok(info) = self.open_own(path.as_bytes(), READ) else { return false };
        let mut text = String::new();
        let read = std::io::Read::read_to_string(&mut File::from(info), &mut text);
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        read.is_ok() && flags.is_some_and(|flags| flags & OFlags::CLOEXEC.bits() != 0)
    }

    fn resolve(&self, directory: Option<RawFd>, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let from = directory.map_or_else(|| "cwd".to_owned(), |directory| format!("fd/{directory}"));
        if path.is_empty() {
            return self.open_own(self.file(&from).as_bytes(), flags);
        }
        for (prefix, below) in OWN {
            if let Some(rest) = path.strip_prefix(prefix) {
                let path = [self.file(below).as_bytes(), rest].concat();
                return self.open_own(&path, flags);
            }
        }
        let is_absolute = path.starts_with(b"/");
        if self.shares_root() {
            return match is_absolute {
                true => rustix::fs::open(path, flags, Mode::empty()),
                false => rustix::fs::openat(self.look(&from)?, path, flags, Mode::empty()),
            };
        }
        let root = self.look("root")?;
        let inside = if is_absolute { path.to_vec() } else { self.below_root(&from, path)? };
        match rustix::fs::openat2(&root, &inside, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
            // Before Linux 5.6. Absolute links inside are then taken for this process's.
            Err(Errno::NOSYS) => {
                let inside: Vec<u8> = inside.into_iter().skip_while(|byte| *byte == b'/').collect();
                rustix::fs::openat(&root, inside, flags, Mode::empty())
            }
            result => result,
        }
    }

    /// A relative path, from the process's root on. Both places are seen from the same root here, so that what one begins with
    /// is the other.
    fn below_root(&self, from: &str, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let (root, from) = (self.link("root")?, self.link(from)?);
        let from = from.strip_prefix(&root).unwrap_or(&from);
        Ok([b"/", from.as_os_str().as_bytes(), b"/", path].concat())
    }

    /// Does something with the process's rights to files, where they are not this process's and can be taken on.
    pub(crate) fn as_guest<T>(&self, action: impl FnOnce() -> T) -> T {
        // The folder itself belongs to the process's user, even if what is in it does not.
        let Ok(stat) = rustix::fs::statat(&self.procfs.dir, self.tid.to_string(), AtFlags::empty()) else {
            return action();
        };
        let (uid, gid) = (stat.st_uid, stat.st_gid);
        if (uid, gid) == (self.procfs.uid.as_raw(), self.procfs.gid.as_raw()) {
            return action();
        }
        let own = rustix::process::getgroups().unwrap_or_default();
        let groups = self.groups();
        let changes = groups.is_some_and(|groups| rustix::thread::set_thread_groups(&groups).is_ok());
        set_file_ids(uid, gid);
        let result = action();
        set_file_ids(self.procfs.uid.as_raw(), self.procfs.gid.as_raw());
        // A change of rights closes this process to others, who find programs among its descriptors ([`Procfs::way`]).
        let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable);
        if changes {
            // It was possible before.
            let _ = rustix::thread::set_thread_groups(&own);
        }
        result
    }

    fn groups(&self) -> Option<Vec<Gid>> {
        let status = self.open_own(self.file("status").as_bytes(), READ).ok()?;
        let mut text = String::new();
        std::io::Read::read_to_string(&mut File::from(status), &mut text).ok()?;
        let groups = text.lines().find_map(|line| line.strip_prefix("Groups:"))?;
        groups.split_whitespace().map(|gid| gid.parse().ok().map(Gid::from_raw)).collect()
    }
}

/// Looks into a process, if need be with all capabilities that this one may have. Another user's rights to files come without most
/// of them, and a process that has kept its own over a change of its user (`PR_SET_KEEPCAPS`) may only be looked into with as many
/// (`cap_ptrace_access_check` in security/commoncap.c).
fn entitled<T>(action: impl Fn() -> Result<T, Errno>) -> Result<T, Errno> {
    let result = action();
    if result.as_ref().err() != Some(&Errno::ACCESS) {
        return result;
    }
    let Ok(own) = rustix::thread::capabilities(None) else { return result };
    let all = CapabilitySets { effective: own.permitted, ..own };
    if all.effective == own.effective || rustix::thread::set_capabilities(None, all).is_err() {
        return result;
    }
    let result = action();
    // It is fewer than there are.
    let _ = rustix::thread::set_capabilities(None, own);
    result
}

fn set_file_ids(uid: u32, gid: u32) {
    // SAFETY: see the module. They return the id before, whatever happened.
    unsafe {
        libc::setfsgid(gid);
        libc::setfsuid(uid);
    }
}
