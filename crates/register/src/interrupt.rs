//! Interrupts while a program runs: it is ended, and what was made for it goes, before this process ends itself.
//!
//! As long as a [`Hold`] is there, a signal that asks for an end is only noted, and looked for where a program is waited for. All that
//! is begun then comes to its end as after an error, but in silence, and `main` ends as such a signal ends a process. At other times, it
//! ends it at once. One that is handled reaches the first process of a container, too, as `docker run` starts it: the kernel drops others
//! there (`sig_ignored` in kernel/signal.c).
//!
//! # Safety
//!
//! The calls get pointers to values of this file's own, which live longer than the call. The handler does nothing but store a number, which
//! a handler may do at any time (signal-safety(7)). A program that is started has no handlers (execve(2)).

#![allow(unsafe_code, reason = "see above")]

use std::mem::MaybeUninit;
use std::process::ExitCode;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;

/// The signals that people and machines end programs with.
const ENDING: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// The one that has come; 0 is none.
static CAUGHT: AtomicI32 = AtomicI32::new(0);

/// The number of [`Hold`]s.
static HOLDS: Mutex<u32> = Mutex::new(0);

/// Keeps this process from being ended by a signal as long as it lives; a second one does end it.
#[derive(Debug)]
pub(crate) struct Hold(());

impl Hold {
    pub(crate) fn new() -> Hold {
        let mut holds = HOLDS.lock().unwrap_or_else(PoisonError::into_inner);
        if *holds == 0 {
            handle(note as extern "C" fn(i32) as libc::sighandler_t);
        }
        *holds += 1;
        Hold(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut holds = HOLDS.lock().unwrap_or_else(PoisonError::into_inner);
        *holds -= 1;
        if *holds == 0 {
            handle(libc::SIG_DFL);
        }
    }
}

/// Fails, in silence, if this process is to end.
pub(crate) fn check() -> Result<(), Error> {
    match CAUGHT.load(Ordering::Relaxed) {
        0 => Ok(()),
        _ => Err(Error::interrupted()),
    }
}

/// Ends this process as the signal does that has come, if one has, and otherwise gives `code` back.
pub fn end(code: u8) -> ExitCode {
    match CAUGHT.load(Ordering::Relaxed) {
        0 => ExitCode::from(code),
        signal => {
            // SAFETY: it takes no pointer.
            unsafe { libc::raise(signal) };
            // The first process of a container lives on: then the exit code is the one that a shell would give it.
            ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
        }
    }
}

extern "C" fn note(signal: i32) {
    CAUGHT.store(signal, Ordering::Relaxed);
}

/// Has the signals handled so, but those that this process was started to ignore (`nohup`).
fn handle(handler: libc::sighandler_t) {
    for signal in ENDING {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: see the top of this file; an action's bits may all be 0.
        unsafe {
            libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
            let mut action = action.assume_init();
            if action.sa_sigaction != libc::SIG_IGN {
                action.sa_sigaction = handler;
                action.sa_flags = libc::SA_RESTART | libc::SA_RESETHAND;
                libc::sigaction(signal, &raw const action, ptr::null_mut());
            }
        }
    }
}
