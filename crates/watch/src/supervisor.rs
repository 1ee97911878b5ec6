//! The loop over everything that happens to the processes watched. It waits for all at once and never for one.

use std::collections::{HashMap, HashSet};
use std::os::fd::RawFd;

use rustix::io::Errno;

use crate::guest::{Guest, Procfs};
use crate::host::{ABIS, Registers};
use crate::layout::Given;
use crate::memory;
use crate::ptrace::{self, Event, Tid, Until};
use crate::rewrite::{Next, Replacement, Rewrite};

/// An exec that a process is about to make.
#[derive(Debug)]
pub struct Exec<'a> {
    /// The path, as it was given.
    pub path: &'a [u8],
    /// The descriptor that the path starts from, or which is itself to be executed if the path is empty; `None` for the working
    /// directory.
    pub directory: Option<RawFd>,
    /// The process.
    pub guest: Guest<'a>,
}

/// The decision about an exec.
#[derive(Debug)]
pub enum Decision {
    /// The kernel's answer, whatever that is.
    Leave,
    /// This error.
    Refuse(Errno),
    /// Another program.
    Replace(Replacement),
}

/// The one that decides.
pub trait Policy {
    /// The decision on an exec.
    fn decide(&mut self, exec: &Exec<'_>) -> Decision;

    /// Takes note of an exec that was to be replaced, and could not be.
    fn failed(&mut self, tid: i32, errno: Errno);
}

/// The supervisor of everything that was attached to and its descendants.
pub(crate) struct Supervisor {
    procfs: Procfs,
    policy: Box<dyn Policy>,
    rewrites: HashMap<Tid, Rewrite>,
    /// Those that have allowed the supervisor to look into them.
    opened: HashSet<Tid>,
}

impl Supervisor {
    pub(crate) fn new(procfs: Procfs, policy: Box<dyn Policy>) -> Supervisor {
        Supervisor { procfs, policy, rewrites: HashMap::new(), opened: HashSet::new() }
    }

    /// Goes on until `main` has ended, and gives its status; until everything has ended, if there is none.
    pub(crate) fn run(&mut self, main: Option<Tid>) -> Option<i32> {
        while let Some((tid, event)) = ptrace::wait() {
            match event {
                Event::Ended(status) => {
                    self.rewrites.remove(&tid);
                    self.opened.remove(&tid);
                    if main == Some(tid) {
                        return Some(status);
                    }
                }
                event => {
                    // A thread that was killed meanwhile is gone; its end is an event of its own.
                    let _ = self.stopped(tid, event);
                }
            }
        }
        None
    }

    fn stopped(&mut self, tid: Tid, event: Event) -> Result<(), Errno> {
        match event {
            Event::Seccomp if !self.rewrites.contains_key(&tid) => self.exec(tid)?,
            Event::Call => {
                if let Some(rewrite) = self.rewrites.get_mut(&tid) {
                    if !rewrite.is_inside {
                        rewrite.enter(tid)?;
                    } else if rewrite.leave(tid)? == Next::Free {
                        self.rewrites.remove(&tid);
                    }
                }
            }
            Event::Exec => {
                // One of several threads becomes the first, under whose number the event comes.
                let former = ptrace::message(tid).ok().and_then(|tid| Tid::try_from(tid).ok()).unwrap_or(tid);
                self.opened.remove(&former);
                self.rewrites.remove(&tid).filter(|_| former != tid);
                if let Some(rewrite) = self.rewrites.remove(&former) {
                    rewrite.restore_mask(tid)?;
                }
            }
            Event::Group => return ptrace::listen(tid),
            Event::Signal(signal) => return self.resume(tid, signal),
            Event::Seccomp | Event::Other | Event::Ended(_) => {}
        }
        self.resume(tid, 0)
    }

    fn resume(&self, tid: Tid, signal: i32) -> Result<(), Errno> {
        let until = if self.rewrites.contains_key(&tid) { Until::Call } else { Until::Event };
        ptrace::resume(tid, until, signal)
    }

    /// A thread is at the entry of an exec.
    fn exec(&mut self, tid: Tid) -> Result<(), Errno> {
        let index = usize::try_from(ptrace::message(tid)?).unwrap_or(ABIS.len());
        // Another filter may have reported another call.
        let Some(abi) = ABIS.get(index) else { return Ok(()) };
        let registers = Registers::read(tid)?;
        let arguments = registers.arguments(abi);
        let number = registers.number();
        let (directory, [path, arguments, environment]) = if number == u64::from(abi.execve) {
            (None, [arguments[0], arguments[1], arguments[2]])
        } else if number == u64::from(abi.execveat) {
            let [directory, path, argv, environment, flags] = arguments;
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "the kernel does")]
            let (directory, flags) = (directory as i32, flags as i32);
            // A link that must not be followed, and flags that are not known: the kernel has an error for them.
            if flags & !libc::AT_EMPTY_PATH != 0 {
                return Ok(());
            }
            ((directory != libc::AT_FDCWD).then_some(directory), [path, argv, environment])
        } else {
            return Ok(());
        };
        let guest = Guest::new(&self.procfs, tid);
        let address = path;
        let path = memory::path(tid, address);
        let is_closed = || !guest.as_guest(|| guest.is_open());
        if (path == Err(Errno::PERM) || is_closed()) && self.opened.insert(tid) {
            self.begin(tid, Rewrite::dumpable(abi, registers));
            return Ok(());
        }
        let Ok(path) = path else { return Ok(()) };
        // The kernel has an error for both.
        if path.is_empty() && (number == u64::from(abi.execve) || directory.is_none()) {
            return Ok(());
        }
        let exec = Exec { path: &path, directory, guest };
        let policy = &mut self.policy;
        let (decision, path) = guest.as_guest(|| {
            let decision = policy.decide(&exec);
            let path = match &decision {
                Decision::Replace(replacement) => self.procfs.way(guest, &replacement.program),
                Decision::Leave | Decision::Refuse(_) => None,
            };
            (decision, path)
        });
        match decision {
            Decision::Leave => {}
            Decision::Refuse(errno) => self.begin(tid, Rewrite::refused(abi, registers, errno)),
            Decision::Replace(replacement) => match memory::pointers(tid, arguments, abi.pointer) {
                Ok(pointers) => {
                    let given = Given { path: address, arguments: pointers, environment };
                    let rewrite = Rewrite::replaced(abi, registers, given, replacement, path);
                    self.begin(tid, rewrite);
                }
                Err(errno) => {
                    self.policy.failed(tid, errno);
                    self.begin(tid, Rewrite::refused(abi, registers, errno));
                }
            },
        }
        Ok(())
    }

    /// The thread is at the entry of a call, which is changed.
    fn begin(&mut self, tid: Tid, mut rewrite: Rewrite) {
        if rewrite.enter(tid).is_ok() {
            self.rewrites.insert(tid, rewrite);
        }
    }
}
