//! Installing a filter on this process.
//!
//! # Safety
//! The kernel copies the filter during the call; both it and the structure that points at it outlive that.

#![allow(unsafe_code)]

use exec::filter::{Instruction, Reports, filter};
use rustix::io::Errno;

use crate::host;
use crate::ptrace::last_error;

/// `SECCOMP_SET_MODE_FILTER`
const SET_MODE_FILTER: libc::c_uint = 1;

/// Has every exec of this thread and its descendants reported to their tracer. Without the right to do so otherwise
/// (CAP_SYS_ADMIN), the process gives up gaining rights by an exec (`no_new_privs`).
pub(crate) fn report_to_tracer() -> Result<(), Errno> {
    let filter = filter(&host::ABIS, Reports::Tracer);
    match set(&filter) {
        Err(Errno::ACCESS) => {
            rustix::thread::set_no_new_privs(true)?;
            set(&filter)
        }
        result => result,
    }
}

fn set(filter: &[Instruction]) -> Result<(), Errno> {
    let mut filter: Vec<libc::sock_filter> = filter
        .iter()
        .map(|one| libc::sock_filter { code: one.code, jt: one.jt, jf: one.jf, k: one.k })
        .collect();
    let len = libc::c_ushort::try_from(filter.len()).map_err(|_| Errno::INVAL)?;
    let program = libc::sock_fprog { len, filter: filter.as_mut_ptr() };
    // SAFETY: see the module.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0, &raw const program) };
    if result < 0 { Err(last_error()) } else { Ok(()) }
}
