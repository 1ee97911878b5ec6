//! ptrace(2) and waitpid(2).
//!
//! # Safety
//! Every request passes the kernel either numbers or a pointer to a local value that is as large as the request's, which outlives
//! the call.

#![allow(unsafe_code)]

use rustix::io::Errno;

/// A thread's number: what ptrace attaches to.
pub(crate) type Tid = i32;

/// The error of the last call.
pub(crate) fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

fn call(request: libc::c_long, tid: Tid, address: usize, data: usize) -> Result<(), Errno> {
    // The raw call: libraries change what PEEKDATA returns, and disagree on types.
    // SAFETY: see the module.
    let result = unsafe { libc::syscall(libc::SYS_ptrace, request, libc::c_long::from(tid), address, data) };
    if result < 0 { Err(last_error()) } else { Ok(()) }
}

// include/uapi/linux/ptrace.h
const PEEKDATA: libc::c_long = 2;
const POKEDATA: libc::c_long = 5;
const CONT: libc::c_long = 7;
const DETACH: libc::c_long = 17;
const SYSCALL: libc::c_long = 24;
const GETEVENTMSG: libc::c_long = 0x4201;
const GETREGSET: libc::c_long = 0x4204;
const SETREGSET: libc::c_long = 0x4205;
const SEIZE: libc::c_long = 0x4206;
const INTERRUPT: libc::c_long = 0x4207;
const LISTEN: libc::c_long = 0x4208;
const GETSIGMASK: libc::c_long = 0x420a;
const SETSIGMASK: libc::c_long = 0x420b;

/// Stops at system calls differ from signals; descendants are attached to; an exec is an event; if the supervisor is killed, so
/// is everything that it watches, for without it no exec would work.
const OPTIONS: i32 = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_EXITKILL;

/// Attaches to a thread without stopping it.
pub(crate) fn seize(tid: Tid) -> Result<(), Errno> {
    call(SEIZE, tid, 0, usize::try_from(OPTIONS).unwrap_or(0))
}

/// Attaches to a thread for one exec, and stops it as soon as it gets out of its system call. Its descendants are let alone.
pub(crate) fn seize_and_stop(tid: Tid) -> Result<(), Errno> {
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACEEXEC;
    call(SEIZE, tid, 0, usize::try_from(options).unwrap_or(0))?;
    call(INTERRUPT, tid, 0, 0)
}

/// Lets a stopped thread alone, with a signal unless that is 0.
pub(crate) fn detach(tid: Tid, signal: i32) -> Result<(), Errno> {
    call(DETACH, tid, 0, usize::try_from(signal).unwrap_or(0))
}

/// The end of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Until the next event.
    Event,
    /// Until the next system call is entered or left, if no event comes before.
    Call,
}

/// Lets a stopped thread go on, with a signal unless that is 0.
pub(crate) fn resume(tid: Tid, until: Until, signal: i32) -> Result<(), Errno> {
    let request = match until {
        Until::Event => CONT,
        Until::Call => SYSCALL,
    };
    call(request, tid, 0, usize::try_from(signal).unwrap_or(0))
}

/// Leaves a thread stopped by a job control signal as it is, until SIGCONT.
pub(crate) fn listen(tid: Tid) -> Result<(), Errno> {
    call(LISTEN, tid, 0, 0)
}

/// The number that comes with an event.
pub(crate) fn message(tid: Tid) -> Result<u64, Errno> {
    let mut message: libc::c_ulong = 0;
    call(GETEVENTMSG, tid, 0, &raw mut message as usize)?;
    #[allow(clippy::useless_conversion, reason = "it has 32 bits on some machines")]
    Ok(message.into())
}

/// The signals that a thread blocks.
pub(crate) fn mask(tid: Tid) -> Result<u64, Errno> {
    let mut mask = 0_u64;
    call(GETSIGMASK, tid, size_of::<u64>(), &raw mut mask as usize)?;
    Ok(mask)
}

/// Sets the signals that a thread blocks.
pub(crate) fn set_mask(tid: Tid, mask: u64) -> Result<(), Errno> {
    call(SETSIGMASK, tid, size_of::<u64>(), &raw const mask as usize)
}

/// Reads a word of a thread's memory.
pub(crate) fn peek(tid: Tid, address: u64) -> Result<[u8; size_of::<usize>()], Errno> {
    let mut word = 0_usize;
    let address = usize::try_from(address).map_err(|_| Errno::FAULT)?;
    call(PEEKDATA, tid, address, &raw mut word as usize)?;
    Ok(word.to_ne_bytes())
}

/// Writes a word into a thread's memory.
pub(crate) fn poke(tid: Tid, address: u64, word: [u8; size_of::<usize>()]) -> Result<(), Errno> {
    let address = usize::try_from(address).map_err(|_| Errno::FAULT)?;
    call(POKEDATA, tid, address, usize::from_ne_bytes(word))
}

/// A set of registers, of which the kernel fills as many words as it has; the number of bytes.
pub(crate) fn registers<const N: usize>(tid: Tid, set: usize) -> Result<([u64; N], usize), Errno> {
    let mut words = [0_u64; N];
    let mut vector = libc::iovec { iov_base: (&raw mut words).cast(), iov_len: size_of_val(&words) };
    call(GETREGSET, tid, set, &raw mut vector as usize)?;
    Ok((words, vector.iov_len))
}

/// Sets the first `length` bytes of a set of registers.
pub(crate) fn set_registers(tid: Tid, set: usize, words: &[u64], length: usize) -> Result<(), Errno> {
    let length = length.min(size_of_val(words));
    let mut vector = libc::iovec { iov_base: words.as_ptr().cast_mut().cast(), iov_len: length };
    call(SETREGSET, tid, set, &raw mut vector as usize)
}

/// An event of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// It has ended, with this status as waitpid(2) gives it.
    Ended(i32),
    /// The filter has reported an exec.
    Seccomp,
    /// An exec has succeeded.
    Exec,
    /// It enters or leaves a system call.
    Call,
    /// It is stopped as a whole by a job control signal.
    Group,
    /// It is stopped for nothing that matters here: it is new, has made a new one, or goes on after SIGCONT.
    Other,
    /// It is about to get a signal.
    Signal(i32),
}

/// Waits for the next event of any thread or child; `None` if there are none.
pub(crate) fn wait() -> Option<(Tid, Event)> {
    next_event(libc::__WALL)
}

/// The next event that has come already.
pub(crate) fn poll() -> Option<(Tid, Event)> {
    next_event(libc::__WALL | libc::WNOHANG)
}

fn next_event(flags: i32) -> Option<(Tid, Event)> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a local value.
        let tid = unsafe { libc::waitpid(-1, &raw mut status, flags) };
        if tid > 0 {
            return Some((tid, event(status)));
        }
        if tid == 0 || last_error() != Errno::INTR {
            return None;
        }
    }
}

/// Reads a status as ptrace(2) describes it.
fn event(status: i32) -> Event {
    if !libc::WIFSTOPPED(status) {
        return Event::Ended(status);
    }
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        0 if signal == libc::SIGTRAP | 0x80 => Event::Call,
        0 => Event::Signal(signal),
        libc::PTRACE_EVENT_SECCOMP => Event::Seccomp,
        libc::PTRACE_EVENT_EXEC => Event::Exec,
        libc::PTRACE_EVENT_STOP
            if matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) =>
        {
            Event::Group
        }
        _ => Event::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart() {
        let stopped = |signal: i32, event: i32| event << 16 | signal << 8 | 0x7f;
        for (status, expected) in [
            (0x0700, Event::Ended(0x0700)),
            (9, Event::Ended(9)),
            (stopped(libc::SIGTRAP | 0x80, 0), Event::Call),
            (stopped(libc::SIGTRAP, 0), Event::Signal(libc::SIGTRAP)),
            (stopped(libc::SIGSTOP, 0), Event::Signal(libc::SIGSTOP)),
            (stopped(libc::SIGSTOP, 128), Event::Group),
            (stopped(libc::SIGTTIN, 128), Event::Group),
            (stopped(libc::SIGTRAP, 128), Event::Other),
            (stopped(libc::SIGTRAP, 7), Event::Seccomp),
            (stopped(libc::SIGTRAP, 4), Event::Exec),
            (stopped(libc::SIGTRAP, 1), Event::Other),
        ] {
            assert_eq!(event(status), expected, "{status:#x}");
        }
    }
}
