//! execve(2).
//!
//! # Safety
//! The arrays end in null, and their strings outlive the call, which returns only if it has failed.

#![allow(unsafe_code)]

use std::convert::Infallible;
use std::ffi::{CStr, CString, c_char};

use rustix::io::Errno;

use crate::ptrace::last_error;
use crate::signals;

/// Makes this process the program at `path`, which ignores the signals that this one ignored when it began. Unlike the standard library's, it never has a shell run a file that the kernel cannot
/// execute, and does not search for one.
///
/// # Errors
/// The kernel's.
pub fn execute(path: &CStr, arguments: &[CString], environment: &[CString]) -> Result<Infallible, Errno> {
    let pointers = |strings: &[CString]| -> Vec<*const c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    signals::restore();
    // SAFETY: see the module.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    Err(last_error())
}
