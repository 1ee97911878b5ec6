//! One thread on its way through an exec: from the stop at its entry to the program that takes its place, or back.
//!
//! The usual way is short: the arguments are written below the stack pointer, and the call goes on with another path. Where there
//! is no room, the thread first maps some memory; where its root does not show the program, it receives a descriptor of it.
//! It makes these calls itself, as it would any other, with all signals blocked, which stay pending.

use std::os::fd::AsFd;
use std::rc::Rc;

use exec::abi::Abi;
use rustix::io::Errno;

use crate::guest::Program;
use crate::host::Registers;
use crate::layout::{Given, Word, layout, push};
use crate::memory;
use crate::ptrace::{self, Tid};
use crate::share::{Inbox, Share};

/// Functions may keep data below the stack pointer, which nothing else may touch (128 bytes on amd64, 288 on ppc64le).
const RED_ZONE: u64 = 512;
/// The most that is written there. A process that was started with the memory of its parent has a small stack in it, of 5 kB
/// with musl (`posix_spawn`).
const MOST_ON_STACK: u64 = 2048;

/// The program that is executed instead.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// The program.
    pub program: Rc<Program>,
    /// Its arguments; those that the process has given follow, from the second on.
    pub words: Vec<Word>,
}

/// The part of the way that a thread is on: a call that it makes.
#[derive(Debug)]
enum Step {
    /// Allows the supervisor to look into a process that has changed its user.
    Dumpable,
    Map,
    Socket,
    Connect,
    Receive,
    Execute,
    /// Undoes what was done for an exec that has failed. The last of these calls is made first.
    Clean(Vec<(u32, Vec<u64>)>, Errno),
}

/// The next step after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another one.
    Call,
    /// Nothing: the thread goes on by itself.
    Free,
}

/// A thread's way.
#[derive(Debug)]
pub(crate) struct Rewrite {
    abi: &'static Abi,
    /// At the entry of the exec.
    registers: Registers,
    given: Given,
    replacement: Option<Replacement>,
    /// The program's path in the process's own terms, as long as there is hope that it leads there.
    path: Option<Vec<u8>>,
    step: Step,
    /// True between the entry of a call and its return.
    pub(crate) is_inside: bool,
    /// The signals that were blocked before all were.
    mask: Option<u64>,
    /// Memory that was mapped.
    mapping: Option<(u64, u64)>,
    /// True if there is no room on the stack.
    needs_mapping: bool,
    share: Option<Share>,
    socket: Option<u64>,
    is_connected: bool,
    descriptor: Option<u64>,
}

impl Rewrite {
    fn new(abi: &'static Abi, registers: Registers, given: Given, step: Step) -> Rewrite {
        Rewrite {
            abi,
            registers,
            given,
            replacement: None,
            path: None,
            step,
            is_inside: true,
            mask: None,
            mapping: None,
            needs_mapping: false,
            share: None,
            socket: None,
            is_connected: false,
            descriptor: None,
        }
    }

    /// Of an exec whose arguments cannot be read: it is made again after the process has allowed that.
    pub(crate) fn dumpable(abi: &'static Abi, registers: Registers) -> Rewrite {
        let given = Given { path: 0, arguments: Vec::new(), environment: 0 };
        Rewrite::new(abi, registers, given, Step::Dumpable)
    }

    /// Of an exec that fails.
    pub(crate) fn refused(abi: &'static Abi, registers: Registers, errno: Errno) -> Rewrite {
        let given = Given { path: 0, arguments: Vec::new(), environment: 0 };
        Rewrite::new(abi, registers, given, Step::Clean(Vec::new(), errno))
    }

    /// Of an exec of another program, to which this path leads in the process, if one does.
    pub(crate) fn replaced(
        abi: &'static Abi,
        registers: Registers,
        given: Given,
        replacement: Replacement,
        path: Option<Vec<u8>>,
    ) -> Rewrite {
        let mut rewrite = Rewrite::new(abi, registers, given, Step::Execute);
        rewrite.replacement = Some(replacement);
        rewrite.path = path;
        rewrite.step = rewrite.following();
        rewrite
    }

    /// The same of a thread that blocked these signals before all were.
    pub(crate) fn with_mask(self, mask: Option<u64>) -> Rewrite {
        Rewrite { mask, ..self }
    }

    /// The path to execute: the empty one stands for the descriptor.
    fn path(&self) -> &[u8] {
        self.path.as_deref().unwrap_or_default()
    }

    fn words(&self) -> &[Word] {
        self.replacement.as_ref().map_or(&[], |replacement| &replacement.words)
    }

    fn size(&self) -> u64 {
        layout(self.words(), &self.given, self.path(), self.abi.pointer, 0).bytes.len() as u64
    }

    fn mapping_size(&self) -> u64 {
        self.size().next_multiple_of(4096)
    }

    /// The next step on the way to the exec.
    fn following(&self) -> Step {
        if self.mapping.is_none() && (self.needs_mapping || self.size() > MOST_ON_STACK) {
            Step::Map
        } else if self.path.is_some() || self.descriptor.is_some() {
            Step::Execute
        } else if self.socket.is_none() {
            Step::Socket
        } else if !self.is_connected {
            Step::Connect
        } else {
            Step::Receive
        }
    }

    /// An address below the stack pointer with room for `size` bytes.
    fn below_stack(&self, size: u64) -> u64 {
        self.registers.stack().wrapping_sub(RED_ZONE + size) & !15
    }

    /// An address with room for what a descriptor takes.
    fn scratch(&self) -> u64 {
        self.mapping.map_or_else(|| self.below_stack(256), |(at, _)| at)
    }

    /// At the entry of a call: makes it the one of this step.
    pub(crate) fn enter(&mut self, tid: Tid) -> Result<(), Errno> {
        self.is_inside = true;
        let mut call = self.call(tid);
        if let Err(errno) = call {
            // The memory could not be written.
            match self.mapping {
                None if !matches!(self.step, Step::Map) => {
                    (self.needs_mapping, self.step) = (true, Step::Map);
                }
                _ => self.give_up(errno),
            }
            call = self.call(tid);
        }
        let (number, arguments) = call?;
        self.registers.call(tid, self.abi, number, &arguments)
    }

    /// The call of this step, with what it needs in memory written there.
    fn call(&mut self, tid: Tid) -> Result<(u32, Vec<u64>), Errno> {
        let abi = self.abi;
        Ok(match &self.step {
            Step::Dumpable => (abi.prctl, vec![number(libc::PR_SET_DUMPABLE), 1, 0, 0, 0]),
            Step::Map => {
                let size = self.mapping_size();
                let protection = number(libc::PROT_READ | libc::PROT_WRITE);
                let flags = number(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
                // No file, and no place in it.
                let arguments = vec![0, size, protection, flags, u64::MAX, 0];
                if cfg!(target_arch = "s390x") {
                    let mut bytes = Vec::new();
                    arguments.iter().for_each(|argument| push(&mut bytes, *argument, 8));
                    let at = self.below_stack(64);
                    memory::write(tid, at, &bytes)?;
                    (abi.mmap, vec![at])
                } else {
                    (abi.mmap, arguments)
                }
            }
            Step::Socket => {
                let kind = number(libc::SOCK_STREAM | libc::SOCK_CLOEXEC);
                (abi.socket, vec![number(libc::AF_UNIX), kind, 0])
            }
            Step::Connect => {
                let share =
                    Share::new().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
                let address = share.address();
                let at = self.scratch();
                memory::write(tid, at, &address)?;
                let call = (abi.connect, vec![self.socket.unwrap_or(0), at, address.len() as u64]);
                self.share = Some(share);
                call
            }
            Step::Receive => {
                let inbox = Inbox::new(abi.pointer, self.scratch());
                memory::write(tid, self.scratch(), &inbox.bytes)?;
                let flags = number(libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT);
                (abi.recvmsg, vec![self.socket.unwrap_or(0), inbox.message, flags])
            }
            Step::Execute => {
                let at = self.mapping.map_or_else(|| self.below_stack(self.size()), |(at, _)| at);
                let layout = layout(self.words(), &self.given, self.path(), abi.pointer, at);
                memory::write(tid, at, &layout.bytes)?;
                match self.descriptor {
                    None => (abi.execve, vec![layout.path, layout.arguments, self.given.environment]),
                    Some(descriptor) => {
                        let empty_path = number(libc::AT_EMPTY_PATH);
                        let environment = self.given.environment;
                        let arguments =
                            vec![descriptor, layout.path, layout.arguments, environment, empty_path];
                        (abi.execveat, arguments)
                    }
                }
            }
            Step::Clean(calls, _) => match calls.last() {
                Some(call) => call.clone(),
                // A call that does nothing.
                None => (abi.close, vec![u64::MAX]),
            },
        })
    }

    /// After a call: prepares the next one, or gives everything back.
    pub(crate) fn leave(&mut self, tid: Tid) -> Result<Next, Errno> {
        self.is_inside = false;
        let now = Registers::read(tid)?;
        let result = now.result(self.abi);
        match (&mut self.step, result) {
            (Step::Dumpable, _) => {
                self.registers.again(tid)?;
                return Ok(Next::Free);
            }
            (Step::Clean(calls, errno), _) => {
                calls.pop();
                if calls.is_empty() {
                    let errno = *errno;
                    return self.end(tid, errno);
                }
            }
            (Step::Execute, result) => {
                // An exec that has succeeded is another event.
                let errno = result.err().unwrap_or(Errno::IO);
                if matches!(errno, Errno::NOENT | Errno::ACCESS) && self.path.take().is_some() {
                    // The process may not go where the path leads, or its /proc is another one.
                    self.step = self.following();
                } else if self.has_left_nothing() {
                    return self.end(tid, errno);
                } else {
                    self.give_up(errno);
                }
            }
            (_, Err(errno)) => {
                // The process has no socket, or may not have one: it cannot reach the program, as it could not reach any
                // interpreter of binfmt_misc's that its root does not show.
                let is_memory = matches!(self.step, Step::Map);
                self.give_up(if is_memory { errno } else { Errno::NOEXEC });
            }
            (Step::Map, Ok(at)) => self.go_on(|this| this.mapping = Some((at, this.mapping_size()))),
            (Step::Socket, Ok(socket)) => self.go_on(|this| this.socket = Some(socket)),
            (Step::Connect, Ok(_)) => match self.send() {
                Ok(()) => self.go_on(|this| this.is_connected = true),
                Err(_) => self.give_up(Errno::NOEXEC),
            },
            (Step::Receive, Ok(_)) => {
                let at = Inbox::new(self.abi.pointer, self.scratch()).descriptor;
                let descriptor = memory::descriptor(tid, at)?;
                self.go_on(|this| this.descriptor = Some(descriptor));
            }
        }
        if self.mask.is_none() {
            self.mask = Some(ptrace::mask(tid)?);
            ptrace::set_mask(tid, u64::MAX)?;
        }
        self.registers.again(tid)?;
        Ok(Next::Call)
    }

    fn go_on(&mut self, change: impl FnOnce(&mut Rewrite)) {
        change(self);
        self.step = self.following();
    }

    fn send(&self) -> std::io::Result<()> {
        let (Some(share), Some(replacement)) = (&self.share, &self.replacement) else { return Ok(()) };
        share.send(replacement.program.file.as_fd())
    }

    fn has_left_nothing(&self) -> bool {
        self.mapping.is_none() && self.socket.is_none() && self.descriptor.is_none()
    }

    fn give_up(&mut self, errno: Errno) {
        let mut calls = Vec::new();
        calls.extend(self.mapping.map(|(at, size)| (self.abi.munmap, vec![at, size])));
        calls.extend(
            [self.socket, self.descriptor].into_iter().flatten().map(|fd| (self.abi.close, vec![fd])),
        );
        self.step = Step::Clean(calls, errno);
    }

    fn end(&self, tid: Tid, errno: Errno) -> Result<Next, Errno> {
        self.registers.fail(tid, errno)?;
        self.restore_mask(tid)?;
        Ok(Next::Free)
    }

    /// Gives the thread the signals back that it blocked before.
    pub(crate) fn restore_mask(&self, tid: Tid) -> Result<(), Errno> {
        self.mask.map_or(Ok(()), |mask| ptrace::set_mask(tid, mask))
    }
}

/// A constant as an argument.
fn number(constant: i32) -> u64 {
    i64::from(constant).cast_unsigned()
}
