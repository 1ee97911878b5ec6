//! A small Debian machine in namespaces of its own.
//!
//! What starts it is a static busybox from the cache and a shell script, not tools of the machine: `init.sh` runs in
//! new user, mount, pid, network, IPC and UTS namespaces, mounts an overlay of package trees with `/proc`, `/sys`,
//! `/dev` and binfmt_misc, makes it the root, and ends in `tini`, the first process. That one ends when the pipe from
//! this process closes; the kernel then kills everything in the pid namespace, and mounts and namespaces go with the
//! last process.

mod place;
mod start;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output};
use std::time::Duration;

use crate::packages::{Packages, Tree};
use crate::{Error, output};

/// The directory in a sandbox that the machine sees, too: [`Sandbox::shared`].
pub const SHARED: &str = "/shared";

/// The time that a command in a sandbox may take unless another is given.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The network of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// Its own: a loopback device with 127.0.0.1, ::1 and 192.0.2.1.
    #[default]
    Private,
    /// The machine's, so that the test itself can talk to a registry in the sandbox.
    Host,
}

impl Network {
    /// As the scripts know it.
    fn name(self) -> &'static str {
        match self {
            Network::Private => "private",
            Network::Host => "host",
        }
    }
}

/// The parts that a sandbox is made of.
#[derive(Debug, Default)]
pub struct Options<'a> {
    /// Package trees, the topmost first. A tree with busybox and util-linux is always the lowest.
    pub trees: Vec<&'a Tree>,
    /// The network.
    pub network: Network,
    /// Directories of the machine that are at the same place inside.
    pub binds: Vec<PathBuf>,
}

/// Namespaces with a root, a first process and an own binfmt_misc.
///
/// Dropping it ends every process inside, and leaves nothing behind.
#[derive(Debug)]
pub struct Sandbox {
    // In the order in which they are let go.
    stdin: Option<ChildStdin>,
    child: Child,
    pid: u32,
    network: Network,
    place: place::Place,
    base: Tree,
    // Not read again, but what the root is made of must not be pruned.
    _trees: Vec<Tree>,
}

impl Sandbox {
    /// Starts a sandbox whose changing files are in the cache directory of `packages`.
    pub fn start(packages: &Packages, options: &Options<'_>) -> Result<Sandbox, Error> {
        start::start(packages, options)
    }

    /// A command for `program`, run inside as root in `/root`, with only `PATH` and `HOME` in its environment.
    ///
    /// The child that it spawns stands for the program: its streams and exit status are the program's. But killing the
    /// child leaves the program to the end of the sandbox.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let busybox = start::busybox(&self.base);
        let mut command = Command::new(&busybox);
        command.args(["sh", "-euc", include_str!("enter.sh"), "sh"]).arg(&busybox);
        command.arg(self.place.cgroup()).arg(self.pid.to_string()).arg(self.network.name());
        command.arg("/root").arg(program);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin").env("HOME", "/root");
        command
    }

    /// Runs a program inside to its end, for at most `limit`, with nothing on its stdin.
    pub fn output<S: AsRef<str>>(&self, argv: &[S], limit: Duration) -> Result<Output, Error> {
        let (mut command, name) = self.command_line(argv);
        output::collect(&mut command, &name, limit)
    }

    /// Runs a program inside to its end, for at most `limit`, with nothing on its stdin; `take` gets each line that it prints, of
    /// both streams, as it comes.
    pub fn stream<S: AsRef<str>>(
        &self,
        argv: &[S],
        limit: Duration,
        take: &mut dyn FnMut(&str),
    ) -> Result<ExitStatus, Error> {
        let (command, name) = self.command_line(argv);
        output::stream(command, &name, limit, take)
    }

    /// The command for `argv`, and how it reads in errors.
    fn command_line<S: AsRef<str>>(&self, argv: &[S]) -> (Command, String) {
        let argv: Vec<&str> = argv.iter().map(AsRef::as_ref).collect();
        let mut command = self.command(argv.first().copied().unwrap_or("true"));
        command.args(argv.iter().skip(1)).stdin(std::process::Stdio::null());
        (command, argv.join(" "))
    }

    /// Runs a program inside for at most [`LIMIT`] and returns its stdout; other exit codes than 0 are errors.
    pub fn run<S: AsRef<str>>(&self, argv: &[S]) -> Result<String, Error> {
        let name = || argv.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" ");
        output::stdout(&self.output(argv, LIMIT)?, name)
    }

    /// A path inside as the machine sees it: for sockets, and for reading what is there.
    ///
    /// An absolute link on the way leads the machine to its own files, so this is not for writing: [`Sandbox::write`].
    pub fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        let inside = inside.as_ref();
        Path::new(&format!("/proc/{}/root", self.pid)).join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// The directory of the machine that is [`SHARED`] inside.
    pub fn shared(&self) -> PathBuf {
        self.place.dir().join("shared")
    }

    /// Puts a file inside, and the directories that it needs. A link of that name is replaced, not followed.
    pub fn write(&self, inside: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<(), Error> {
        let inside = inside.as_ref();
        let staged = || -> io::Result<File> {
            let mut file = tempfile::tempfile()?;
            file.write_all(contents.as_ref())?;
            file.rewind()?;
            Ok(file)
        };
        let stdin = staged().map_err(Error::file("write", inside))?;
        let mut command = self.command("sh");
        command.args(["-euc", r#"mkdir -p "$(dirname "$0")"; rm -f "$0"; cat > "$0""#]);
        command.arg(inside).stdin(stdin);
        let name = format!("cat > {}", inside.display());
        output::stdout(&output::collect(&mut command, &name, LIMIT)?, || name).map(drop)
    }

    /// The directory of the machine that all of its changing files are in; gone with the sandbox.
    pub fn dir(&self) -> &Path {
        self.place.dir()
    }

    /// Its cgroup in the machine's hierarchy; gone with the sandbox.
    pub fn cgroup(&self) -> &Path {
        self.place.cgroup()
    }

    /// The first process, as the machine numbers it.
    pub fn pid(&self) -> u32 {
        self.pid
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The first process reads from this pipe and ends with it.
        drop(self.stdin.take());
        if !matches!(output::wait(&mut self.child, Duration::from_secs(10)), Ok(Some(_))) {
            start::kill(self.pid);
            // It has been killed: this ends.
            let _ = self.child.wait();
        }
    }
}
