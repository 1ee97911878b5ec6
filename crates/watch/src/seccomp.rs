//! Installing a filter on this process.
//!
//! # Safety
//! The kernel copies the filter during the call; both it and the structure that points at it outlive that.

#![allow(unsafe_code)]

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use exec::filter::{Instruction, Reports, filter};
use rustix::io::Errno;

use crate::host;
use crate::ptrace::last_error;

/// `SECCOMP_SET_MODE_FILTER`
const SET_MODE_FILTER: libc::c_uint = 1;

/// `SECCOMP_FILTER_FLAG_NEW_LISTENER`
const NEW_LISTENER: libc::c_ulong = 1 << 3;
/// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`: only a fatal signal ends the wait for an answer, once the report was read (Linux 5.19).
const WAIT_KILLABLE_RECV: libc::c_ulong = 1 << 5;

/// Has every exec of this thread and its descendants reported to their tracer. Without the right to do so otherwise
/// (CAP_SYS_ADMIN), the process gives up gaining rights by an exec (`no_new_privs`).
pub(crate) fn report_to_tracer() -> Result<(), Errno> {
    set(&filter(&host::ABIS, Reports::Tracer), 0).map(drop)
}

/// The same to any process that has the descriptor.
pub(crate) fn report_to_listener() -> Result<OwnedFd, Errno> {
    let filter = filter(&host::ABIS, Reports::Listener);
    let listener = match set(&filter, NEW_LISTENER | WAIT_KILLABLE_RECV) {
        Err(Errno::INVAL) => set(&filter, NEW_LISTENER),
        result => result,
    }?;
    // SAFETY: with this flag the call has returned a new descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(listener) })
}

fn set(filter: &[Instruction], flags: libc::c_ulong) -> Result<RawFd, Errno> {
    match try_to_set(filter, flags) {
        Err(Errno::ACCESS) => {
            rustix::thread::set_no_new_privs(true)?;
            try_to_set(filter, flags)
        }
        result => result,
    }
}

fn try_to_set(filter: &[Instruction], flags: libc::c_ulong) -> Result<RawFd, Errno> {
    let mut filter: Vec<libc::sock_filter> = filter
        .iter()
        .map(|one| libc::sock_filter { code: one.code, jt: one.jt, jf: one.jf, k: one.k })
        .collect();
    let len = libc::c_ushort::try_from(filter.len()).map_err(|_| Errno::INVAL)?;
    let program = libc::sock_fprog { len, filter: filter.as_mut_ptr() };
    // SAFETY: see the module.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, flags, &raw const program) };
    if result < 0 { Err(last_error()) } else { RawFd::try_from(result).map_err(|_| Errno::BADF) }
}
