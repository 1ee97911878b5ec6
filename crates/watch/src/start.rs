//! Making this process one that is watched.
//!
//! The process itself becomes the program that it is to run, so that its number, its parent, its terminal and its signals are the
//! program's. The supervisor is beside it, in a session of its own, and is nobody's child: a program that waits for all of its
//! children must not wait for the one that waits for it.
//!
//! # Safety
//! The process has one thread when it forks, so that everything is usable in the child. Descriptors are closed by number in the
//! child only: those that it has inherited, which no value of this program stands for.

#![allow(unsafe_code)]

use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use exec::filter::Reports;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, WaitOptions, waitpid};

use crate::error::Error;
use crate::guest::Procfs;
use crate::listener::Listener;
use crate::ptrace::{self, Tid, last_error};
use crate::seccomp;
use crate::supervisor::{Policy, Supervisor};

/// This process, with a supervisor beside it.
#[derive(Debug)]
pub struct Watched {
    reports: Reports,
    /// To the supervisor.
    channel: UnixStream,
}

/// The inherited descriptors that the supervisor keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Nothing,
    StandardError,
}

impl Watched {
    /// Starts a supervisor with this policy, to whom execs are reported in one way or the other. It keeps this process's standard error if `keeps_stderr`,
    /// for what the policy may write there.
    ///
    /// Must be called before the process has a second thread.
    ///
    /// # Errors
    /// If there is no `/proc`, or the kernel refuses.
    pub fn start(policy: Box<dyn Policy>, reports: Reports, keeps_stderr: bool) -> Result<Watched, Error> {
        let procfs = Procfs::open()?;
        let (mut ours, theirs) = UnixStream::pair().map_err(of_io("socketpair"))?;
        let target = rustix::process::getpid().as_raw_nonzero().get();
        match fork()? {
            None => {
                // The child's child has no parent but process 1, or who takes its place.
                match fork() {
                    Ok(None) => {
                        drop(ours);
                        let keep = if keeps_stderr { Keep::StandardError } else { Keep::Nothing };
                        supervise(theirs, target, Supervisor::new(procfs, policy), reports, keep)
                    }
                    Ok(Some(_)) => exit(0),
                    Err(error) => exit(error.errno.raw_os_error()),
                }
            }
            Some(child) => {
                drop(theirs);
                let status = loop {
                    match waitpid(Some(child), WaitOptions::empty()) {
                        Err(Errno::INTR) => {}
                        result => break result.map_err(Error::of("waitpid"))?,
                    }
                };
                match status.and_then(|(_, status)| status.exit_status()) {
                    Some(0) => {}
                    Some(errno) => {
                        return Err(Error { call: "fork", errno: Errno::from_raw_os_error(errno) });
                    }
                    None => return Err(Error { call: "fork", errno: Errno::CHILD }),
                }
                let supervisor = receive(&mut ours)?;
                allow(supervisor);
                ours.write_all(&[0]).map_err(of_io("ptrace"))?;
                answered("ptrace", receive(&mut ours)?)?;
                Ok(Watched { reports, channel: ours })
            }
        }
    }

    /// From here on every exec is the policy's to decide, this process's own too.
    ///
    /// # Errors
    /// If the kernel takes no filter.
    pub fn report_execs(mut self) -> Result<(), Error> {
        let call = seccomp_call(self.reports);
        match self.reports {
            Reports::Tracer => seccomp::report_to_tracer().map_err(Error::of(call)),
            Reports::Listener => {
                let listener = seccomp::report_to_listener().map_err(Error::of(call))?;
                // The supervisor takes it from here, and answers when it has.
                self.channel.write_all(&listener.as_raw_fd().to_ne_bytes()).map_err(of_io(call))?;
                answered(call, receive(&mut self.channel)?)
            }
        }
    }
}

/// Finds out if processes can be watched, on one that is made for it.
///
/// # Errors
/// The reason why they can't.
pub fn possible(reports: Reports) -> Result<(), Error> {
    let _ = Procfs::open()?;
    let (mut ours, mut theirs) = UnixStream::pair().map_err(of_io("socketpair"))?;
    let Some(child) = fork()? else {
        drop(ours);
        let result = match reports {
            Reports::Tracer => seccomp::report_to_tracer(),
            Reports::Listener => seccomp::report_to_listener().map(drop),
        };
        let answer = result.err().map_or(0, Errno::raw_os_error);
        let _ = theirs.write_all(&answer.to_ne_bytes());
        // Until it is killed, or nobody is there any more.
        let _ = theirs.read(&mut [0]);
        exit(0)
    };
    drop(theirs);
    let filter = receive(&mut ours);
    let attached = ptrace::seize(child.as_raw_nonzero().get()).map_err(Error::of("ptrace"));
    let _ = rustix::process::kill_process(child, rustix::process::Signal::KILL);
    let _ = waitpid(Some(child), WaitOptions::empty());
    attached?;
    answered(seccomp_call(reports), filter?)
}

fn seccomp_call(reports: Reports) -> &'static str {
    match reports {
        Reports::Tracer => "seccomp",
        Reports::Listener => "seccomp listener",
    }
}

/// The supervisor's life.
fn supervise(
    mut channel: UnixStream,
    target: Tid,
    mut supervisor: Supervisor,
    reports: Reports,
    keep: Keep,
) -> ! {
    // A session of its own has no terminal whose signals would reach it; programs that signal everything they may ask for the end of
    // others.
    let _ = rustix::process::setsid();
    ignore_signals();
    let mut attach = || -> Result<(), Error> {
        channel.write_all(&own_tid().to_ne_bytes()).map_err(of_io("ptrace"))?;
        channel.read_exact(&mut [0]).map_err(of_io("ptrace"))?;
        let result = match reports {
            Reports::Tracer => ptrace::seize(target),
            Reports::Listener => Ok(()),
        };
        let answer = result.err().map_or(0, Errno::raw_os_error);
        // Before the command starts: nothing that others wait for is to stay open for the supervisor alone.
        release(keep);
        channel.write_all(&answer.to_ne_bytes()).map_err(of_io("ptrace"))?;
        result.map_err(Error::of("ptrace"))
    };
    if attach().is_err() {
        exit(1);
    }
    match reports {
        Reports::Tracer => {
            drop(channel);
            supervisor.run(None);
        }
        Reports::Listener => {
            if let Ok(listener) = take_listener(&mut channel, target) {
                drop(channel);
                supervisor.listen(&listener);
            }
        }
    }
    exit(0)
}

/// Takes the listener out of the process that has made it, whose own descriptor closes when it executes its program.
fn take_listener(channel: &mut UnixStream, target: Tid) -> Result<Listener, Error> {
    let number = receive(channel)?;
    let take = || {
        let pid = Pid::from_raw(target).ok_or(Errno::SRCH)?;
        let process = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        rustix::process::pidfd_getfd(&process, number, PidfdGetfdFlags::empty())
    };
    let result: Result<OwnedFd, Errno> = take();
    let answer = result.as_ref().err().map_or(0, |errno| errno.raw_os_error());
    channel.write_all(&answer.to_ne_bytes()).map_err(of_io("seccomp listener"))?;
    result.map(Listener::new).map_err(Error::of("pidfd_getfd"))
}

fn own_tid() -> Tid {
    rustix::process::getpid().as_raw_nonzero().get()
}

fn receive(channel: &mut UnixStream) -> Result<i32, Error> {
    let mut number = [0; 4];
    channel.read_exact(&mut number).map_err(of_io("ptrace"))?;
    Ok(i32::from_ne_bytes(number))
}

/// The result of a call that another process has made, out of its answer: 0, or the error's number.
pub(crate) fn answered(call: &'static str, answer: i32) -> Result<(), Error> {
    match answer {
        0 => Ok(()),
        errno => Err(Error { call, errno: Errno::from_raw_os_error(errno) }),
    }
}

/// Lets a process that is no ancestor attach to this one, where Yama would not (`PR_SET_PTRACER`, ptrace_scope 1).
pub(crate) fn allow(tid: Tid) {
    // SAFETY: it takes a number. Without Yama there is no such call, and no need for it.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::c_long::from(tid), 0, 0, 0) };
}

pub(crate) fn of_io(call: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| Error { call, errno: Errno::from_io_error(&error).unwrap_or(Errno::IO) }
}

/// The child's number, and `None` in the child.
pub(crate) fn fork() -> Result<Option<Pid>, Error> {
    // SAFETY: see the module.
    match unsafe { libc::fork() } {
        0 => Ok(None),
        -1 => Err(Error { call: "fork", errno: last_error() }),
        child => Ok(Pid::from_raw(child)),
    }
}

/// Ends this process without anything that the program around it would do at its end.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: it takes a number.
    unsafe { libc::_exit(code) }
}

fn ignore_signals() {
    for signal in [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGPIPE,
    ] {
        // SAFETY: ignoring runs no code.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Closes the descriptors that this process has inherited, all of which would go through an exec, and leaves its working directory:
/// nobody is to wait for the supervisor's end who waits for a pipe or wants to unmount a file system.
fn release(keep: Keep) {
    let _ = rustix::process::chdir("/");
    let Ok(folder) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers: Vec<RawFd> =
        folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers {
        // SAFETY: F_GETFD takes a number; what is closed is nobody's value here.
        unsafe {
            let flags = libc::fcntl(number, libc::F_GETFD);
            let is_kept = keep == Keep::StandardError && number == libc::STDERR_FILENO;
            if flags >= 0 && flags & libc::FD_CLOEXEC == 0 && !is_kept {
                libc::close(number);
            }
        }
    }
}
