//! The arrangement for process 1: this process stays, as the supervisor, and the program is its child.
//!
//! A container ends with its first process, and that process gets the children of all others; the supervisor would be one of
//! them, whom the program did not expect.
//!
//! # Safety
//! The handler calls nothing but kill(2), and reads a number that was stored before it was installed.

#![allow(unsafe_code)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::io::Errno;

use crate::error::Error;
use crate::guest::Procfs;
use crate::ptrace;
use crate::seccomp;
use crate::start::{allow, answered, exit, fork, of_io};
use crate::supervisor::{Policy, Supervisor};

/// The program, to whom signals go.
static PROGRAM: AtomicI32 = AtomicI32::new(0);

/// Runs `program` in a watched child, and gives its exit code, 128 and the signal's number if one has ended it; `program` gives an exit
/// code if it could not become another.
///
/// Must be called before the process has a second thread. This process hands on the signals that it gets.
///
/// # Errors
/// If there is no `/proc`, or the kernel refuses.
pub fn run(policy: Box<dyn Policy>, program: impl FnOnce() -> i32) -> Result<i32, Error> {
    let procfs = Procfs::open()?;
    let (mut ours, mut theirs) = UnixStream::pair().map_err(of_io("socketpair"))?;
    let supervisor = rustix::process::getpid().as_raw_nonzero().get();
    let Some(child) = fork()? else {
        drop(ours);
        allow(supervisor);
        let mut answer = [0];
        if theirs.write_all(&[0]).is_err() || theirs.read_exact(&mut answer).is_err() {
            exit(125);
        }
        let result = seccomp::report_to_tracer();
        let errno = result.err().map_or(0, Errno::raw_os_error);
        let sent = theirs.write_all(&errno.to_ne_bytes());
        drop(theirs);
        exit(if errno == 0 && sent.is_ok() { program() } else { 125 })
    };
    drop(theirs);
    ours.read_exact(&mut [0]).map_err(of_io("ptrace"))?;
    let child = child.as_raw_nonzero().get();
    // The child ends by itself if nobody answers.
    ptrace::seize(child).map_err(Error::of("ptrace"))?;
    ours.write_all(&[0]).map_err(of_io("ptrace"))?;
    let mut errno = [0; 4];
    ours.read_exact(&mut errno).map_err(of_io("seccomp"))?;
    answered("seccomp", i32::from_ne_bytes(errno))?;
    PROGRAM.store(child, Ordering::Relaxed);
    hand_on_signals();
    let status = Supervisor::new(procfs, policy).run(Some(child)).unwrap_or(125 << 8);
    Ok(if libc::WIFSIGNALED(status) { 128 + libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) })
}

extern "C" fn hand_on(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid structure.
    let code = unsafe { (*info).si_code };
    // Those of a terminal go to the program too, which is in the same group; the kernel is their sender.
    if code <= 0 {
        // SAFETY: it takes numbers.
        unsafe { libc::kill(PROGRAM.load(Ordering::Relaxed), signal) };
    }
}

fn hand_on_signals() {
    let own = [
        libc::SIGKILL,
        libc::SIGSTOP,
        libc::SIGCHLD,
        libc::SIGILL,
        libc::SIGTRAP,
        libc::SIGABRT,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGSEGV,
        libc::SIGSYS,
    ];
    let standard = (1..32).filter(|signal| !own.contains(signal));
    for signal in standard.chain(libc::SIGRTMIN()..=libc::SIGRTMAX()) {
        // SAFETY: zero is a value of every field; the handler is one that takes three arguments.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = hand_on;
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}
