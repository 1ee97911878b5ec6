//! The loop over everything that happens to the processes watched. It waits for all at once and never for one.

use std::collections::{HashMap, HashSet};
use std::os::fd::RawFd;

use exec::abi::Abi;
use rustix::io::Errno;

use crate::guest::{Guest, Procfs};
use crate::host::{ABIS, Registers};
use crate::layout::Given;
use crate::listener::{Answer, Listener, Report};
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
    /// The address of the program's environment, and the bytes of a pointer in it.
    environment: (u64, usize),
}

impl Exec<'_> {
    /// True if the program is given this variable, whatever its value; false, if its environment cannot be read.
    pub fn has_variable(&self, name: &str) -> bool {
        let (address, pointer) = self.environment;
        let start = [name.as_bytes(), b"="].concat();
        let variables = memory::pointers(self.guest.tid(), address, pointer).unwrap_or_default();
        variables.into_iter().any(|variable| memory::begins_with(self.guest.tid(), variable, &start))
    }
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

/// An exec, as a process asks for it.
#[derive(Debug, Clone, Copy)]
struct Call {
    abi: &'static Abi,
    directory: Option<RawFd>,
    /// Addresses in the process.
    path: u64,
    arguments: u64,
    environment: u64,
    /// True if the empty path stands for the descriptor.
    takes_descriptor: bool,
}

impl Call {
    /// `None`, if it is another call, or one that the kernel has an error for.
    fn new(abi: &'static Abi, number: u64, arguments: [u64; 5]) -> Option<Call> {
        if number == u64::from(abi.execve) {
            let [path, arguments, environment, ..] = arguments;
            return Some(Call {
                abi,
                directory: None,
                path,
                arguments,
                environment,
                takes_descriptor: false,
            });
        }
        if number != u64::from(abi.execveat) {
            return None;
        }
        let [directory, path, arguments, environment, flags] = arguments;
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "the kernel does")]
        let (directory, flags) = (directory as i32, flags as i32);
        // A link that must not be followed, and flags that are not known.
        if flags & !libc::AT_EMPTY_PATH != 0 {
            return None;
        }
        let directory = (directory != libc::AT_FDCWD).then_some(directory);
        let takes_descriptor = flags != 0 && directory.is_some();
        Some(Call { abi, directory, path, arguments, environment, takes_descriptor })
    }
}

/// The result of looking at an exec.
#[derive(Debug)]
enum Finding {
    /// The process may not be looked into.
    Closed,
    /// It is left to the kernel.
    Leave,
    /// It fails.
    Refuse(Errno),
    /// Another program is executed, to which this path leads in the process.
    Replace(Replacement, Option<Vec<u8>>),
}

/// The supervisor of everything that was attached to and its descendants, or of everything that reports to a listener.
pub(crate) struct Supervisor {
    procfs: Procfs,
    policy: Box<dyn Policy>,
    rewrites: HashMap<Tid, Rewrite>,
    /// Those that have allowed the supervisor to look into them.
    opened: HashSet<Tid>,
    /// With a listener: those that were attached to, and have not come to the entry of their exec again.
    coming: HashMap<Tid, Coming>,
    /// True if there is a listener, and threads are attached to for one exec only.
    is_listening: bool,
}

/// A thread on its way back into its exec.
#[derive(Debug)]
struct Coming {
    replacement: Replacement,
    path: Option<Vec<u8>>,
    /// The signals that it blocked before all were.
    mask: Option<u64>,
}

impl Supervisor {
    pub(crate) fn new(procfs: Procfs, policy: Box<dyn Policy>) -> Supervisor {
        Supervisor {
            procfs,
            policy,
            rewrites: HashMap::new(),
            opened: HashSet::new(),
            coming: HashMap::new(),
            is_listening: false,
        }
    }

    /// Goes on until `main` has ended, and gives its status; until everything has ended, if there is none.
    pub(crate) fn run(&mut self, main: Option<Tid>) -> Option<i32> {
        while let Some((tid, event)) = ptrace::wait() {
            match event {
                Event::Ended(status) if main == Some(tid) => return Some(status),
                event => self.take(tid, event),
            }
        }
        None
    }

    /// Goes on until there is nobody left to report.
    pub(crate) fn listen(&mut self, listener: &Listener) {
        self.is_listening = true;
        while listener.wait() {
            while let Some((tid, event)) = ptrace::poll() {
                self.take(tid, event);
            }
            if listener.is_ready()
                && let Ok(report) = listener.receive()
            {
                let answer = self.answer(&report);
                listener.answer(&report, answer);
            }
        }
    }

    fn take(&mut self, tid: Tid, event: Event) {
        if let Event::Ended(_) = event {
            self.rewrites.remove(&tid);
            self.opened.remove(&tid);
            self.coming.remove(&tid);
        } else {
            // A thread that was killed meanwhile is gone; its end is an event of its own.
            let _ = self.stopped(tid, event);
        }
    }

    fn stopped(&mut self, tid: Tid, event: Event) -> Result<(), Errno> {
        match event {
            Event::Seccomp if !self.rewrites.contains_key(&tid) => self.exec(tid)?,
            Event::Call => {
                if self.coming.contains_key(&tid) {
                    self.arrived(tid)?;
                } else if let Some(rewrite) = self.rewrites.get_mut(&tid) {
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
                self.coming.remove(&former);
                if former != tid {
                    // That of the first thread, which is gone.
                    self.rewrites.remove(&tid);
                }
                if let Some(rewrite) = self.rewrites.remove(&former) {
                    rewrite.restore_mask(tid)?;
                }
            }
            Event::Group => return ptrace::listen(tid),
            Event::Signal(signal) => return self.resume(tid, signal),
            Event::Other => {
                if let Some(coming) = self.coming.get_mut(&tid).filter(|coming| coming.mask.is_none()) {
                    // It makes its exec again, before anything that a signal would have it do.
                    coming.mask = Some(ptrace::mask(tid)?);
                    ptrace::set_mask(tid, u64::MAX)?;
                }
            }
            Event::Seccomp | Event::Ended(_) => {}
        }
        self.resume(tid, 0)
    }

    fn resume(&self, tid: Tid, signal: i32) -> Result<(), Errno> {
        if self.rewrites.contains_key(&tid) || self.coming.contains_key(&tid) {
            ptrace::resume(tid, Until::Call, signal)
        } else if self.is_listening {
            ptrace::detach(tid, signal)
        } else {
            ptrace::resume(tid, Until::Event, signal)
        }
    }

    /// A thread is at the entry of an exec.
    fn exec(&mut self, tid: Tid) -> Result<(), Errno> {
        let index = usize::try_from(ptrace::message(tid)?).unwrap_or(ABIS.len());
        // Another filter may have reported another call.
        let Some(abi) = ABIS.get(index) else { return Ok(()) };
        let registers = Registers::read(tid)?;
        let Some(call) = Call::new(abi, registers.number(), registers.arguments(abi)) else { return Ok(()) };
        match self.look(tid, &call) {
            Finding::Closed if self.opened.insert(tid) => self.begin(tid, Rewrite::dumpable(abi, registers)),
            Finding::Closed | Finding::Leave => {}
            Finding::Refuse(errno) => self.begin(tid, Rewrite::refused(abi, registers, errno)),
            Finding::Replace(replacement, path) => {
                self.replace(tid, &call, registers, replacement, path, None);
            }
        }
        Ok(())
    }

    /// An exec was reported to the listener.
    fn answer(&mut self, report: &Report) -> Answer {
        let tid = report.tid;
        // The one that stands in for another.
        if self.rewrites.contains_key(&tid) || self.coming.contains_key(&tid) {
            return Answer::Go;
        }
        let number = u64::from(report.number);
        let abis = ABIS.iter().filter(|abi| abi.audit == report.audit);
        let call = abis.filter_map(|abi| Call::new(abi, number, report.arguments)).next();
        match call.map(|call| self.look(tid, &call)) {
            Some(Finding::Refuse(errno)) => Answer::Fail(errno),
            Some(Finding::Replace(replacement, path)) => match ptrace::seize_and_stop(tid) {
                Ok(()) => {
                    self.coming.insert(tid, Coming { replacement, path, mask: None });
                    Answer::Again
                }
                Err(errno) => {
                    self.policy.failed(tid, errno);
                    Answer::Go
                }
            },
            None | Some(Finding::Leave | Finding::Closed) => Answer::Go,
        }
    }

    /// A thread that was attached to for its exec enters a system call.
    fn arrived(&mut self, tid: Tid) -> Result<(), Errno> {
        let registers = Registers::read(tid)?;
        let number = registers.number();
        let abis = ABIS.iter();
        let call = abis.filter_map(|abi| Call::new(abi, number, registers.arguments(abi))).next();
        if let (Some(call), Some(coming)) = (call, self.coming.remove(&tid)) {
            self.replace(tid, &call, registers, coming.replacement, coming.path, coming.mask);
        }
        Ok(())
    }

    /// The decision on an exec.
    fn look(&mut self, tid: Tid, call: &Call) -> Finding {
        let guest = Guest::new(&self.procfs, tid);
        let path = memory::path(tid, call.path);
        let is_closed = || !guest.as_guest(|| guest.is_open());
        if !self.opened.contains(&tid) && (path == Err(Errno::PERM) || is_closed()) {
            return Finding::Closed;
        }
        // The kernel has an error for an address or a path that is none.
        let Some(path) = path.ok().filter(|path| call.takes_descriptor || !path.is_empty()) else {
            return Finding::Leave;
        };
        let environment = (call.environment, call.abi.pointer);
        let exec = Exec { path: &path, directory: call.directory, guest, environment };
        let policy = &mut self.policy;
        let procfs = &self.procfs;
        guest.as_guest(|| match policy.decide(&exec) {
            Decision::Leave => Finding::Leave,
            Decision::Refuse(errno) => Finding::Refuse(errno),
            Decision::Replace(replacement) => {
                let path = procfs.way(guest, &replacement.program);
                Finding::Replace(replacement, path)
            }
        })
    }

    fn replace(
        &mut self,
        tid: Tid,
        call: &Call,
        registers: Registers,
        replacement: Replacement,
        path: Option<Vec<u8>>,
        mask: Option<u64>,
    ) {
        let rewrite = match memory::pointers(tid, call.arguments, call.abi.pointer) {
            Ok(arguments) => {
                let given = Given { path: call.path, arguments, environment: call.environment };
                Rewrite::replaced(call.abi, registers, given, replacement, path)
            }
            Err(errno) => {
                self.policy.failed(tid, errno);
                Rewrite::refused(call.abi, registers, errno)
            }
        };
        self.begin(tid, rewrite.with_mask(mask));
    }

    /// The thread is at the entry of a call, which is changed.
    fn begin(&mut self, tid: Tid, mut rewrite: Rewrite) {
        if rewrite.enter(tid).is_ok() {
            self.rewrites.insert(tid, rewrite);
        }
    }
}
