//! The reasons why a process cannot be watched.

use rustix::io::Errno;

/// A call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {}", name(*.errno))]
pub struct Error {
    /// The call, for people: `ptrace`, `fork`.
    pub call: &'static str,
    /// Its error.
    pub errno: Errno,
}

impl Error {
    pub(crate) fn of(call: &'static str) -> impl Fn(Errno) -> Error {
        move |errno| Error { call, errno }
    }
}

/// The name of an error as manual pages have it, where it is one of those to expect.
fn name(errno: Errno) -> String {
    let name = match errno {
        Errno::PERM => "EPERM",
        Errno::ACCESS => "EACCES",
        Errno::INVAL => "EINVAL",
        Errno::NOSYS => "ENOSYS",
        Errno::BUSY => "EBUSY",
        Errno::AGAIN => "EAGAIN",
        Errno::NOMEM => "ENOMEM",
        Errno::SRCH => "ESRCH",
        other => return std::io::Error::from(other).to_string(),
    };
    name.to_owned()
}
