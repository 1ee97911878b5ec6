//! A mounted binfmt_misc and its operations.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::entry::{Entry, LONGEST_LINE, Unreadable};
use crate::error::{Error, Result};
use crate::flags::Flags;
use crate::kernel::{Kernel, in_initial_user_namespace};
use crate::mount::{self, Instance, State, Temporary};
use crate::replace::{self, Table};

/// The longest wait for others who change entries: three programs that do not end, one after the other.
const PATIENCE: Duration = Duration::from_secs(60);

/// A turn to change entries, which ends with this value.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// A mounted binfmt_misc.
#[derive(Debug)]
pub struct BinfmtMisc {
    dir: PathBuf,
    read_only: bool,
    new_instance: bool,
    made_mount: bool,
    /// The mount that goes with this value, where it was made to look only.
    mounted: Option<Temporary>,
}

/// An entry as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name of its file: any bytes but `/`, line breaks and the delimiter.
    pub name: OsString,
    /// Its text. What is not UTF-8 in its name is replaced.
    pub entry: std::result::Result<Entry, Unreadable>,
}

impl BinfmtMisc {
    /// The one at `dir` if given, otherwise at [`mount::DEFAULT`], otherwise wherever this mount namespace has one; if
    /// there is none, it is mounted.
    ///
    /// # Errors
    /// If there is none and it cannot be mounted: one error for each cause.
    pub fn open(dir: Option<&Path>) -> Result<BinfmtMisc> {
        if let Some(mounted) = BinfmtMisc::mounted(dir)? {
            return Ok(mounted);
        }
        let wanted = dir.unwrap_or(Path::new(mount::DEFAULT));
        let new_instance = mount::mount(wanted)? == Instance::New;
        let dir = wanted.to_owned();
        Ok(BinfmtMisc { dir, read_only: false, new_instance, made_mount: true, mounted: None })
    }

    /// The same, leaving everything as it is: a mount that has to be made is undone with the value.
    ///
    /// # Errors
    /// As [`BinfmtMisc::open`].
    pub fn open_briefly(dir: Option<&Path>) -> Result<BinfmtMisc> {
        let mut misc = BinfmtMisc::open(dir)?;
        misc.mounted = misc.made_mount.then(|| Temporary(misc.dir.clone()));
        Ok(misc)
    }

    /// The same, to see what is registered: `None` if it is mounted nowhere, so that there are no entries.
    ///
    /// # Errors
    /// As [`BinfmtMisc::open`].
    pub fn look(dir: Option<&Path>) -> Result<Option<BinfmtMisc>> {
        let misc = BinfmtMisc::open_briefly(dir)?;
        Ok(Some(misc).filter(|misc| !misc.new_instance))
    }

    /// The one that is mounted where this process can see it.
    ///
    /// # Errors
    /// If the kernel does not tell what is at `dir`.
    pub fn mounted(dir: Option<&Path>) -> Result<Option<BinfmtMisc>> {
        let found = |dir, read_only| BinfmtMisc {
            dir,
            read_only,
            new_instance: false,
            made_mount: false,
            mounted: None,
        };
        let wanted = dir.unwrap_or(Path::new(mount::DEFAULT));
        if let State::Mounted { read_only } = mount::state(wanted)? {
            return Ok(Some(found(wanted.to_owned(), read_only)));
        }
        let others = if dir.is_none() { mount::mounts() } else { Vec::new() };
        Ok(others.into_iter().find_map(|dir| match mount::state(&dir) {
            Ok(State::Mounted { read_only }) => Some(found(dir, read_only)),
            _ => None,
        }))
    }

    /// True if its entries last until the machine is restarted. Not so where [`BinfmtMisc::open`] has mounted it for nobody
    /// but this container, and all entries vanish with the last mount: since Linux 6.7, and in older kernels that have taken this
    /// over. There it is tried, with an instance that nobody else has.
    pub fn lasts(&self) -> bool {
        if !self.new_instance || mount::is_the_machines_own() {
            return true;
        }
        let is_older = Kernel::running().is_some_and(|kernel| kernel < Kernel::OWN_INSTANCES);
        is_older && mount::outlives_its_mount(&self.dir)
    }

    /// Undoes the mount that [`BinfmtMisc::open`] has made, if it has.
    pub fn unmount(mut self) {
        self.mounted = self.made_mount.then(|| Temporary(self.dir.clone()));
    }

    /// The place where it is mounted.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// True if it did not exist before [`BinfmtMisc::open`] mounted it. Otherwise there is another mount of it, in this
    /// mount namespace or, as a container's host has it, in another.
    pub fn is_new_instance(&self) -> bool {
        self.new_instance
    }

    /// True if it is switched on as a whole (the file `status`).
    ///
    /// # Errors
    /// [`Error::Io`]
    pub fn enabled(&self) -> Result<bool> {
        let path = self.dir.join("status");
        let text = std::fs::read(&path).map_err(|source| Error::Io { operation: "read", path, source })?;
        Ok(text.starts_with(b"enabled"))
    }

    /// Fails if entries cannot be registered: read-only, not permitted or switched off. Changes nothing.
    ///
    /// # Errors
    /// The error that registering would give.
    pub fn check_writable(&self) -> Result<()> {
        let path = self.dir.join("register");
        OpenOptions::new().write(true).open(&path).map_err(|source| self.write_error(path, source))?;
        if self.enabled()? { Ok(()) } else { Err(Error::Disabled { dir: self.dir.clone() }) }
    }

    /// Every entry, in the directory's order: on today's kernels the newest first.
    ///
    /// # Errors
    /// [`Error::Io`]; an entry that is not understood is not an error here, but in its [`Listed::entry`].
    pub fn list(&self) -> Result<Vec<Listed>> {
        let io = |source| Error::Io { operation: "list", path: self.dir.clone(), source };
        let mut listed = Vec::new();
        for file in std::fs::read_dir(&self.dir).map_err(io)? {
            let file = file.map_err(io)?;
            let name = file.file_name();
            if name == "register" || name == "status" {
                continue;
            }
            let path = file.path();
            match std::fs::read(&path) {
                Ok(text) => {
                    listed.push(Listed { entry: Entry::parse(&name.to_string_lossy(), &text), name });
                }
                // Removed in between.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::Io { operation: "read", path, source }),
            }
        }
        Ok(listed)
    }

    /// The entry of this name.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Unreadable`]
    pub fn entry(&self, name: &str) -> Result<Option<Entry>> {
        let path = self.dir.join(name);
        match std::fs::read(&path) {
            Ok(text) => match Entry::parse(name, &text) {
                Ok(entry) => Ok(Some(entry)),
                Err(source) => Err(Error::Unreadable { file: path, source }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Io { operation: "read", path, source }),
        }
    }

    /// Adds an entry and reads it back.
    ///
    /// # Errors
    /// If the kernel refuses it, or holds something else afterwards.
    pub fn register(&self, entry: &Entry) -> Result<()> {
        let name = entry.name();
        let invalid = |source| Error::Invalid { name: name.to_owned(), source };
        let line = entry.register_line().map_err(invalid)?;
        let path = self.dir.join("register");
        let mut file = match OpenOptions::new().write(true).open(&path) {
            Ok(file) => file,
            Err(source) => return Err(self.write_error(path, source)),
        };
        // One write: the kernel takes each as a line of its own.
        if let Err(source) = file.write_all(&line) {
            return Err(self.register_error(entry, &line, path, source));
        }
        match self.entry(name)? {
            Some(found) if found == *entry => Ok(()),
            found => Err(Error::differs(name, found.as_ref())),
        }
    }

    /// Puts `new` in the place of `old`, of the same name. There is always one of the two in effect.
    ///
    /// `accept` is asked while `new` is in effect and `old` is still there; if it answers no, `new` is taken back, and so
    /// `false` is returned.
    ///
    /// # Errors
    /// As [`BinfmtMisc::register`]; the old entry is then still there, or the message says what is.
    pub fn replace(&self, old: &Entry, new: &Entry, accept: &mut dyn FnMut() -> bool) -> Result<bool> {
        replace::replace(self, old, new, accept)
    }

    /// Removes `entry`; `false` if there is none of this name.
    ///
    /// # Errors
    /// [`Error::Changed`] if another entry has its name by now, which stays; or if the kernel does not let it go.
    pub fn remove(&self, entry: &Entry) -> Result<bool> {
        let name = entry.name();
        self.remove_if(OsStr::new(name), &|text| Entry::parse(name, text).as_ref() == Ok(entry))
    }

    /// The same of an entry that was listed, which need not be one that was understood.
    ///
    /// # Errors
    /// As [`BinfmtMisc::remove`].
    pub fn remove_listed(&self, listed: &Listed) -> Result<bool> {
        let name = listed.name.to_string_lossy();
        self.remove_if(&listed.name, &|text| Entry::parse(&name, text) == listed.entry)
    }

    /// The name under which a killed [`BinfmtMisc::replace`] of `name` may have left an entry.
    pub fn leftover_of(name: &str) -> String {
        format!("{name}{}", replace::TEMPORARY)
    }

    /// The name of the entry that one of this name was to become, if it is such a leftover.
    pub fn leftover_from(name: &str) -> Option<&str> {
        name.strip_suffix(replace::TEMPORARY)
    }

    /// Removes the entry that a killed [`BinfmtMisc::replace`] of `name` has left; `false` if there is none.
    ///
    /// # Errors
    /// If the kernel does not let it go.
    pub fn remove_leftover(&self, name: &str) -> Result<bool> {
        self.remove_if(OsStr::new(&BinfmtMisc::leftover_of(name)), &|_| true)
    }

    /// Looks and removes through one descriptor, which stays this entry's: should another take the name in between, it is
    /// another file (`bm_entry_write` in `fs/binfmt_misc.c` removes the entry of the file that was opened).
    fn remove_if(&self, name: &OsStr, is_meant: &dyn Fn(&[u8]) -> bool) -> Result<bool> {
        let path = self.dir.join(name);
        let name = || name.to_string_lossy().into_owned();
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(self.write_error(path, source)),
        };
        // The kernel gives the whole text at once, which is no longer than the line that made the entry.
        let mut text = [0; 2 * LONGEST_LINE];
        let size = file.read(&mut text).map_err(|source| {
            let path = path.clone();
            Error::Io { operation: "read", path, source }
        })?;
        if !is_meant(&text[..size]) {
            return Err(Error::Changed { name: name() });
        }
        file.write_all(b"-1").map_err(|source| self.write_error(path.clone(), source))?;
        // The file of an entry that is gone has no name left, whatever has its name by now.
        let metadata = file.metadata().map_err(|source| Error::Io { operation: "look at", path, source })?;
        if metadata.nlink() == 0 { Ok(true) } else { Err(Error::NotRemoved { name: name() }) }
    }

    /// Waits for its turn to change entries: everybody who calls this, in whatever container, has it alone until the value
    /// is dropped or the process ends.
    ///
    /// The lock is on the file `register`, which only the owner can open, so that nobody else can hold it.
    ///
    /// # Errors
    /// [`Error::Busy`] if others have it for longer than a minute; or that registering is not permitted.
    pub fn lock(&self) -> Result<Lock> {
        let path = self.dir.join("register");
        let opened = OpenOptions::new().write(true).open(&path);
        let file = opened.map_err(|source| self.write_error(path, source))?;
        let started = Instant::now();
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK | Errno::INTR) if started.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(Errno::WOULDBLOCK) => {
                    return Err(Error::Busy { dir: self.dir.clone(), waited: PATIENCE });
                }
                // A kernel that has no such locks: then each is as careful as it can be alone.
                Ok(()) | Err(_) => return Ok(Lock { _file: file }),
            }
        }
    }

    fn write_error(&self, file: PathBuf, source: io::Error) -> Error {
        match Errno::from_io_error(&source) {
            Some(Errno::ROFS) => Error::ReadOnly { dir: self.dir.clone() },
            Some(Errno::PERM | Errno::ACCESS) if self.read_only => Error::ReadOnly { dir: self.dir.clone() },
            Some(Errno::PERM | Errno::ACCESS) => {
                Error::NotPermitted { file, user_namespace: !in_initial_user_namespace() }
            }
            _ => Error::Io { operation: "write", path: file, source },
        }
    }

    fn register_error(&self, entry: &Entry, line: &[u8], path: PathBuf, source: io::Error) -> Error {
        let name = entry.name().to_owned();
        match Errno::from_io_error(&source) {
            Some(Errno::EXIST) => Error::Exists { name },
            Some(Errno::INVAL) => Error::Refused { name, line: String::from_utf8_lossy(line).into_owned() },
            // With F the kernel opens the interpreter while it handles the write.
            _ if entry.flags().contains(Flags::FIX_BINARY) => {
                Error::Interpreter { name, interpreter: entry.interpreter().to_owned(), source }
            }
            _ => self.write_error(path, source),
        }
    }
}

impl Table for BinfmtMisc {
    fn register(&self, entry: &Entry) -> Result<()> {
        BinfmtMisc::register(self, entry)
    }

    fn remove(&self, entry: &Entry) -> Result<()> {
        BinfmtMisc::remove(self, entry).map(drop)
    }

    fn remove_leftover(&self, name: &str) -> Result<()> {
        BinfmtMisc::remove_leftover(self, name).map(drop)
    }
}
