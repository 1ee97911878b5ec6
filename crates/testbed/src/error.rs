//! The errors of putting a testbed together.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The reason why the archive has no package.
pub(crate) type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// The reason why a package, a sandbox, an engine or a registry is not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The archive has no such package, or could not bring it.
    #[error("cannot get packages: {}", chain(.0.as_ref()))]
    Source(SourceError),
    /// The machine's settings name no usable cache, mirror or keys.
    #[error("cannot set up the source of packages: {0}")]
    Setup(String),
    /// A package came but is not one that can be unpacked.
    #[error("cannot unpack {}: {cause}", deb.display())]
    Unpack {
        /// The .deb.
        deb: PathBuf,
        /// The problem with it.
        cause: io::Error,
    },
    /// A file of the testbed's own could not be made, read or removed.
    #[error("cannot {operation} {}: {cause}", path.display())]
    File {
        /// The operation: `create`, `lock`, …
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// The reason.
        cause: io::Error,
    },
    /// A path that cannot be written into overlayfs's options.
    #[error("cannot use {} as a layer of a sandbox: it contains `:`, `,` or `\\`", .0.display())]
    Layer(PathBuf),
    /// The namespaces or mounts of a sandbox could not be made.
    #[error("cannot start a sandbox: {stage}: {log}")]
    Sandbox {
        /// The last stage that it reached.
        stage: &'static str,
        /// The output.
        log: String,
    },
    /// A program in the sandbox could not be started.
    #[error("cannot run `{command}`: {cause}")]
    Spawn {
        /// The program and its arguments.
        command: String,
        /// The reason.
        cause: io::Error,
    },
    /// A program in the sandbox took too long and was killed.
    #[error("`{command}` did not end within {} s; it had printed:\n{printed}", limit.as_secs())]
    Slow {
        /// The program and its arguments.
        command: String,
        /// The time it was given.
        limit: Duration,
        /// Its output so far, stdout first.
        printed: String,
    },
    /// A program in the sandbox failed.
    #[error("`{command}` failed ({status}):\n{printed}")]
    Failed {
        /// The program and its arguments.
        command: String,
        /// The exit status.
        status: std::process::ExitStatus,
        /// Its output, stdout first.
        printed: String,
    },
    /// A daemon ended, or did not answer in time.
    #[error("{daemon} did not start: {reason}; the end of its log:\n{log}")]
    Daemon {
        /// Its name: `Docker 28`, `registry`.
        daemon: String,
        /// The observation.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
}

impl Error {
    /// For `map_err` on a file operation.
    pub(crate) fn file<P: AsRef<Path> + ?Sized>(
        operation: &'static str,
        path: &P,
    ) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |cause| Error::File { operation, path, cause }
    }
}

/// An error with its causes, and the hint that one of them has.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    if let Some(hint) = debian::hint(error) {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    text
}
