//! The errors of binfmt_misc, each with what the user can do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::entry::{Entry, Invalid, Unreadable};

/// The result of an operation on binfmt_misc.
pub type Result<T> = std::result::Result<T, Error>;

/// One per cause that a user would treat differently.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory that the kernel makes when it has binfmt_misc is not there.
    #[error("this kernel has no binfmt_misc: {} does not exist", .dir.display())]
    NoSupport {
        /// The place where it would be mounted.
        dir: PathBuf,
    },
    /// There is no /proc in which the kernel could have made the directory.
    #[error("/proc is not mounted here, or only in part, so there is no {}", .dir.display())]
    NoProc {
        /// The place where it would be mounted.
        dir: PathBuf,
    },
    /// A directory of the user's own choice is not there.
    #[error("cannot mount binfmt_misc at {}: there is no such folder", .dir.display())]
    NoFolder {
        /// The place where it would be mounted.
        dir: PathBuf,
    },
    /// The kernel does not know the file system.
    #[error("this kernel has no binfmt_misc: mounting it at {} says \"no such device\"", .dir.display())]
    NoSuchFileSystem {
        /// The place where it would be mounted.
        dir: PathBuf,
    },
    /// It is not mounted, and this process may not mount it.
    #[error("binfmt_misc is not mounted at {}, and mounting it needs CAP_SYS_ADMIN", .dir.display())]
    MayNotMount {
        /// The place where it would be mounted.
        dir: PathBuf,
        /// True if this process is in a user namespace of its own.
        user_namespace: bool,
    },
    /// An automount point that does not answer.
    #[error("{} is an automount point (autofs), and nothing gets mounted there", .dir.display())]
    Autofs {
        /// The automount point.
        dir: PathBuf,
    },
    /// Mounting failed for another reason.
    #[error("cannot mount binfmt_misc at {}: {source}", .dir.display())]
    Mount {
        /// The place where it would be mounted.
        dir: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Mounted read-only.
    #[error("binfmt_misc is mounted read-only at {}", .dir.display())]
    ReadOnly {
        /// The mount point.
        dir: PathBuf,
    },
    /// The kernel does not let this process write.
    #[error("no permission to write {}", .file.display())]
    NotPermitted {
        /// The file.
        file: PathBuf,
        /// True if this process is in a user namespace of its own.
        user_namespace: bool,
    },
    /// Switched off as a whole, so that no entry has an effect.
    #[error("binfmt_misc is disabled as a whole: {} says `disabled`", .dir.join("status").display())]
    Disabled {
        /// The mount point.
        dir: PathBuf,
    },
    /// There is an entry of this name.
    #[error("cannot register {name}: there is an entry of this name")]
    Exists {
        /// The entry.
        name: String,
    },
    /// Not a possible entry.
    #[error("cannot register {name}: {source}")]
    Invalid {
        /// The entry.
        name: String,
        /// The reason.
        source: Invalid,
    },
    /// The kernel calls the line malformed.
    #[error("cannot register {name}: the kernel refuses the line `{line}`")]
    Refused {
        /// The entry.
        name: String,
        /// The line that was written.
        line: String,
    },
    /// With `F` the kernel opens the interpreter at once, and could not.
    #[error("cannot register {name}: the kernel cannot open the interpreter {}: {source}", .interpreter.display())]
    Interpreter {
        /// The entry.
        name: String,
        /// Its interpreter.
        interpreter: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The kernel took the line and holds something else.
    #[error("registered {name}, but the kernel holds another entry: {found}")]
    Differs {
        /// The entry.
        name: String,
        /// The line that would register what the kernel holds, or that nothing is there.
        found: String,
    },
    /// The kernel took the removal and still has the entry.
    #[error("removed {name}, but the kernel still holds it")]
    NotRemoved {
        /// The entry.
        name: String,
    },
    /// Between the look at an entry and its removal, another took its name.
    #[error("cannot remove {name}: another entry has taken its name, and stays")]
    Changed {
        /// The entry.
        name: String,
    },
    /// Others that change entries do not come to an end.
    #[error("another `register` is changing the entries in {}, and has not finished within {} seconds", .dir.display(), .waited.as_secs())]
    Busy {
        /// The mount point.
        dir: PathBuf,
        /// The time that was spent on waiting for them.
        waited: Duration,
    },
    /// An entry's text is not as any known kernel writes it.
    #[error("cannot understand {}: {source}", .file.display())]
    Unreadable {
        /// The entry's file.
        file: PathBuf,
        /// The problem.
        source: Unreadable,
    },
    /// A replacement failed, after the new entry was tried.
    #[error("cannot replace {name}: {source}; {outcome}")]
    NotReplaced {
        /// The entry.
        name: String,
        /// The reason.
        source: Box<Error>,
        /// The entry that runs the target's programs now.
        outcome: String,
    },
    /// Any other failure of a system call.
    #[error("cannot {operation} {}: {source}", .path.display())]
    Io {
        /// The operation.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
}

const PRIVILEGED: &str = "run the container with --privileged, or bind the machine's own in: \
     -v /proc/sys/fs/binfmt_misc:/binfmt_misc";

impl Error {
    pub(crate) fn differs(name: &str, found: Option<&Entry>) -> Error {
        let line = found.map(|entry| {
            let line = entry.register_line().unwrap_or_default();
            let state = if entry.enabled() { "" } else { " (disabled)" };
            format!("`{}`{state}", String::from_utf8_lossy(&line))
        });
        Error::Differs {
            name: name.to_owned(),
            found: line.unwrap_or_else(|| "none of this name".to_owned()),
        }
    }

    /// Returns what the user can do about it, if anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::NoSupport { .. } | Error::NoSuchFileSystem { .. } => Some(
                "load the module on the machine itself (not in a container): modprobe binfmt_misc; if there is no such \
                 module, the kernel was built without CONFIG_BINFMT_MISC"
                    .to_owned(),
            ),
            Error::NoProc { .. } => Some(
                "mount it: mount -t proc proc /proc; or bind the machine's binfmt_misc in at another path, and name that with \
                 --mount"
                    .to_owned(),
            ),
            Error::NoFolder { dir } => Some(format!(
                "mkdir -p {dir}, or bind the machine's own in there: -v /proc/sys/fs/binfmt_misc:{dir}",
                dir = dir.display()
            )),
            Error::MayNotMount { user_namespace: false, .. } => Some(PRIVILEGED.to_owned()),
            Error::MayNotMount { user_namespace: true, .. } => Some(
                "this is a user namespace (rootless container?), which can mount a binfmt_misc of its own only with \
                 Linux 6.7 or newer and CAP_SYS_ADMIN in the namespace; to change the machine's, run as real root"
                    .to_owned(),
            ),
            Error::Autofs { .. } => Some(
                "have the machine's own systemd mount it, then try again: systemctl start \
                 proc-sys-fs-binfmt_misc.mount"
                    .to_owned(),
            ),
            Error::ReadOnly { dir } => Some(format!(
                "mount -o remount,rw {} on the machine; with a bind mount, leave out `:ro`",
                dir.display()
            )),
            Error::NotPermitted { user_namespace: false, .. } => {
                Some(format!("only root may register: use sudo, or {PRIVILEGED}"))
            }
            Error::NotPermitted { user_namespace: true, .. } => Some(
                "this is a user namespace (rootless container?), whose root is not the machine's; to change the \
                 machine's binfmt_misc, run as real root"
                    .to_owned(),
            ),
            Error::Disabled { dir } => Some(format!("echo 1 > {}", dir.join("status").display())),
            Error::Exists { name } => Some(format!("something registered {name} at the same moment; try again")),
            Error::Interpreter { interpreter, source, .. } => match source.raw_os_error() {
                Some(code) if code == rustix::io::Errno::TXTBSY.raw_os_error() => {
                    Some(format!("something is writing {}; try again", interpreter.display()))
                }
                Some(code) if code == rustix::io::Errno::ACCESS.raw_os_error() => Some(format!(
                    "{} must be an executable file (chmod +x), on a file system not mounted noexec",
                    interpreter.display()
                )),
                _ => None,
            },
            Error::Changed { .. } => {
                Some("something else registers at the same moment; look with -l, and try again".to_owned())
            }
            Error::Busy { .. } => Some("try again when it has ended".to_owned()),
            Error::NotReplaced { source, .. } => source.hint(),
            Error::Mount { .. }
            | Error::Invalid { .. }
            | Error::Refused { .. }
            | Error::Differs { .. }
            | Error::NotRemoved { .. }
            | Error::Unreadable { .. }
            | Error::Io { .. } => None,
        }
    }
}
