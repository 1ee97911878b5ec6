//! A program in a sandbox that serves until it is asked to end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::sandbox::{SHARED, Sandbox};
use crate::{Error, output};

/// The time that a daemon may take to answer.
const START: Duration = Duration::from_secs(60);

/// The time that it may take to end when asked to.
const STOP: Duration = Duration::from_secs(15);

/// The number of lines of a log that an error shows.
const LINES: usize = 15;

/// A running daemon; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Daemon<'a> {
    sandbox: &'a Sandbox,
    name: String,
    child: Child,
    log: PathBuf,
    pid: PathBuf,
}

impl<'a> Daemon<'a> {
    /// Starts `argv` in `sandbox`; what it prints goes to a log. It has started when `ready`, which
    /// gets the log so far, says so.
    pub(crate) fn start(
        sandbox: &'a Sandbox,
        name: &str,
        argv: &[&str],
        ready: impl Fn(&str) -> bool,
    ) -> Result<Daemon<'a>, Error> {
        // Two of one name must not share these.
        let dir = sandbox.shared();
        let log = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .suffix(".log")
            .tempfile_in(&dir)
            .map_err(Error::file("create", &dir))?;
        let (file, log) = log.keep().map_err(|error| Error::file("create", &dir)(error.error))?;
        let stderr = file.try_clone().map_err(Error::file("create", &log))?;
        let pid = log.with_extension("pid");
        // The shell's number inside becomes the daemon's with `exec`.
        let mut command: Command = sandbox.command("sh");
        command.args(["-euc", r#"echo $$ > "$0"; exec "$@""#]);
        command.arg(Path::new(SHARED).join(pid.file_name().unwrap_or_default())).args(argv);
        command.stdin(Stdio::null()).stdout(file).stderr(stderr);
        let child = command.spawn().map_err(|cause| Error::Spawn { command: argv.join(" "), cause })?;

        let mut daemon = Daemon { sandbox, name: name.to_owned(), child, log, pid };
        let started = output::poll(START, || {
            let ended = daemon.child.try_wait();
            let ended = ended.map_err(|cause| Error::Spawn { command: argv.join(" "), cause })?;
            if let Some(status) = ended {
                return Err(daemon.failed(&format!("it ended ({status})")));
            }
            Ok(ready(&daemon.log()))
        })?;
        if started {
            Ok(daemon)
        } else {
            Err(daemon.failed(&format!("it did not answer within {} s", START.as_secs())))
        }
    }

    fn failed(&self, reason: &str) -> Error {
        Error::Daemon {
            daemon: self.name.clone(),
            reason: reason.to_owned(),
            log: output::tail(&self.log(), LINES),
        }
    }

    /// Everything that the daemon has printed.
    pub(crate) fn log(&self) -> String {
        // A log that is gone is an empty one: it is only shown.
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let pid = fs::read_to_string(&self.pid).unwrap_or_default();
        for signal in ["-TERM", "-KILL"] {
            // If this fails, the daemon has just ended, or ends with its sandbox.
            let _ = self.sandbox.output(&["kill", signal, pid.trim()], STOP);
            if matches!(output::wait(&mut self.child, STOP), Ok(Some(_))) {
                return;
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
