//! Reports of execs without a tracer: a process waits in its exec until the listener has an answer.
//!
//! # Safety
//! The structures passed to ioctl(2) are those of the requests (include/uapi/linux/seccomp.h), and local values.

#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::Errno;

use crate::ptrace::{Tid, last_error};

/// An exec that waits for an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    id: u64,
    pub(crate) tid: Tid,
    /// `AUDIT_ARCH_*`
    pub(crate) audit: u32,
    pub(crate) number: u32,
    pub(crate) arguments: [u64; 5],
}

/// The answer to a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The kernel goes on with it.
    Go,
    /// It fails.
    Fail(Errno),
    /// It is made once more.
    Again,
}

/// The kernel's own code for a call that is to be made again, whatever handlers say (include/linux/errno.h).
const ERESTARTNOINTR: i32 = 513;
/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE`
const CONTINUE: u32 = 1;

/// `_IOWR('!', number, size)`
const fn request(number: u64, size: usize) -> u64 {
    3 << 30 | (size as u64) << 16 | (b'!' as u64) << 8 | number
}

const RECEIVE: u64 = request(0, size_of::<libc::seccomp_notif>());
const SEND: u64 = request(1, size_of::<libc::seccomp_notif_resp>());

/// The listener's descriptor.
#[derive(Debug)]
pub(crate) struct Listener(OwnedFd);

impl Listener {
    /// From here on SIGCHLD is blocked in this thread, but for [`Listener::wait`].
    pub(crate) fn new(descriptor: OwnedFd) -> Listener {
        extern "C" fn nothing(_: i32) {}
        // SAFETY: local values; the handler does nothing. A signal without one would end no call.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as extern "C" fn(i32) as libc::sighandler_t;
            libc::sigaction(libc::SIGCHLD, &raw const action, std::ptr::null_mut());
            let mut blocked: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut blocked);
            libc::sigaddset(&raw mut blocked, libc::SIGCHLD);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const blocked, std::ptr::null_mut());
        }
        Listener(descriptor)
    }

    /// Waits for a report, or for anything to happen to a thread that this process has attached to. False if there is nobody left to
    /// report (Linux 5.9: before, that is not seen).
    pub(crate) fn wait(&self) -> bool {
        let mut poll = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: local values. The signal that is blocked elsewhere ends this call.
        unsafe {
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::ppoll(&raw mut poll, 1, std::ptr::null(), &raw const none);
        }
        poll.revents & libc::POLLIN != 0 || poll.revents & libc::POLLHUP == 0
    }

    /// True if there is a report.
    pub(crate) fn is_ready(&self) -> bool {
        let mut poll = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: a local value.
        unsafe { libc::poll(&raw mut poll, 1, 0) };
        poll.revents & libc::POLLIN != 0
    }

    /// The next report. ENOENT, if the process has ended or was interrupted meanwhile.
    pub(crate) fn receive(&self) -> Result<Report, Errno> {
        // SAFETY: zero is a value of every field, and what the kernel asks for.
        let mut report: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: see the module.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), RECEIVE as _, &raw mut report) };
        if result < 0 {
            return Err(last_error());
        }
        let mut arguments = [0; 5];
        arguments.copy_from_slice(&report.data.args[..5]);
        Ok(Report {
            id: report.id,
            tid: Tid::try_from(report.pid).map_err(|_| Errno::SRCH)?,
            audit: report.data.arch,
            number: report.data.nr.cast_unsigned(),
            arguments,
        })
    }

    /// Answers. A process that has ended or was interrupted needs no answer.
    pub(crate) fn answer(&self, report: &Report, answer: Answer) {
        let (error, flags) = match answer {
            Answer::Go => (0, CONTINUE),
            Answer::Fail(errno) => (-errno.raw_os_error(), 0),
            Answer::Again => (-ERESTARTNOINTR, 0),
        };
        let mut response = libc::seccomp_notif_resp { id: report.id, val: 0, error, flags };
        // SAFETY: see the module.
        unsafe { libc::ioctl(self.0.as_raw_fd(), SEND as _, &raw mut response) };
    }
}
