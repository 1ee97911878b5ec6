//! An engine that runs, and what tests do with it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::{Daemon, Engine, archive};
use crate::sandbox::{LIMIT, Sandbox};
use crate::{Error, output};

/// The API, whichever engine it is.
const SOCKET: &str = "/run/engine.sock";

/// No bridge and no firewall: containers have their own loopback device only.
const DOCKERD: [&str; 14] = [
    "dockerd",
    "--config-file",
    "/etc/docker/daemon.json",
    // Not on the sandbox's root: overlayfs does not go on top of an overlay.
    "--data-root",
    "/shared/docker",
    "--exec-root",
    "/run/docker",
    "--pidfile",
    "/run/docker.pid",
    "--iptables=false",
    "--ip6tables=false",
    // On the machine's network, a sandbox may not change the machine's settings; 20.10 ends when it cannot.
    "--ip-forward=false",
    "--bridge=none",
    "--host=unix:///run/engine.sock",
];

const PODMAN: [&str; 5] = ["podman", "system", "service", "--time=0", "unix:///run/engine.sock"];

/// The time that it may take to load an archive: engines unpack a few MB per second on a busy machine.
const LOAD: Duration = Duration::from_secs(600);

/// The file that podman's containers get their settings from, so that plain `podman run` works as plain `docker run` does.
const PODMAN_FILES: [(&str, &str); 3] = [
    (
        "/etc/containers/containers.conf",
        concat!(
            "[containers]\nnetns = \"none\"\ncgroups = \"no-conmon\"\n",
            "default_ulimits = [\"nofile=4096:4096\", \"nproc=4096:4096\"]\n",
            "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n",
        ),
    ),
    ("/etc/containers/policy.json", "{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}\n"),
    (
        "/etc/containers/storage.conf",
        "[storage]\ndriver = \"overlay\"\ngraphroot = \"/shared/podman\"\nrunroot = \"/run/containers\"\n",
    ),
];

/// An engine that answers. Dropping it stops the engine; its images go with the sandbox.
#[derive(Debug)]
pub struct Running<'a> {
    engine: Engine,
    sandbox: &'a Sandbox,
    daemon: Daemon<'a>,
}

pub(super) fn start(engine: Engine, sandbox: &Sandbox) -> Result<Running<'_>, Error> {
    let argv: &[&str] = match engine {
        Engine::Podman => {
            for (path, text) in PODMAN_FILES {
                sandbox.write(path, text)?;
            }
            &PODMAN
        }
        Engine::Docker20 | Engine::Docker28 { .. } => {
            let containerd_store = engine == (Engine::Docker28 { containerd_store: true });
            let features = if engine == Engine::Docker20 {
                String::new()
            } else {
                format!("\"features\": {{\"containerd-snapshotter\": {containerd_store}}}")
            };
            sandbox.write("/etc/docker/daemon.json", format!("{{{features}}}\n"))?;
            &DOCKERD
        }
    };
    let socket = sandbox.path(SOCKET);
    let daemon = Daemon::start(sandbox, engine.name(), argv, |_| answers(&socket))?;
    // Where clients look when nothing is given.
    let usual = if engine == Engine::Podman { "/run/podman/podman.sock" } else { "/run/docker.sock" };
    sandbox.run(&["mkdir", "-p", "/run/podman"])?;
    sandbox.run(&["ln", "-sf", SOCKET, usual])?;
    Ok(Running { engine, sandbox, daemon })
}

/// True if the API answers its ping.
fn answers(socket: &Path) -> bool {
    let ping = || -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")?;
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    ping().is_ok_and(|answer| answer.ends_with(b" 200"))
}

impl Running<'_> {
    /// The kind of this engine.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The sandbox that it runs in.
    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox
    }

    /// The API's socket, as the machine sees it: a short path, since that of a socket has at most 107 bytes.
    pub fn socket(&self) -> PathBuf {
        self.sandbox.path(SOCKET)
    }

    /// The output of the daemon.
    pub fn log(&self) -> String {
        self.daemon.log()
    }

    /// A command of the engine's client: `docker ARGUMENTS` or `podman ARGUMENTS`, in the sandbox.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(self.engine.client());
        command.args(arguments);
        command
    }

    /// Runs the engine's client to its end. The exit status is the caller's to judge.
    pub fn output(&self, arguments: &[&str]) -> Result<Output, Error> {
        self.feed(arguments, Stdio::null(), LIMIT)
    }

    /// Runs the engine's client and returns its stdout; other exit codes than 0 are errors.
    pub fn client(&self, arguments: &[&str]) -> Result<String, Error> {
        self.checked(arguments, Stdio::null(), LIMIT)
    }

    /// Loads the images of an archive that the machine has at `archive`; returns what the engine says.
    pub fn load(&self, archive: &Path) -> Result<String, Error> {
        self.checked(&["load"], open(archive)?, LOAD)
    }

    /// Makes the tar `rootfs`, which the machine has, the image `name` (with a tag) for `platform`.
    pub fn import(&self, rootfs: &Path, platform: arch::Platform, name: &str) -> Result<(), Error> {
        let mut rootfs_file = File::open(rootfs).map_err(Error::file("open", rootfs))?;
        let image = archive::file(&mut rootfs_file, platform, name).map_err(Error::file("read", rootfs))?;
        self.checked(&["load"], image.into(), LOAD).map(drop)
    }

    /// Runs a container to its end, `docker run --rm ARGUMENTS`. The exit status is the caller's to judge.
    pub fn run(&self, arguments: &[&str]) -> Result<Output, Error> {
        self.output(&[&["run", "--rm"], arguments].concat())
    }

    fn feed(&self, arguments: &[&str], stdin: Stdio, limit: Duration) -> Result<Output, Error> {
        output::collect(self.command(arguments).stdin(stdin), &self.typed(arguments), limit)
    }

    fn checked(&self, arguments: &[&str], stdin: Stdio, limit: Duration) -> Result<String, Error> {
        output::stdout(&self.feed(arguments, stdin, limit)?, || self.typed(arguments))
    }

    /// The command as a user types it.
    fn typed(&self, arguments: &[&str]) -> String {
        [&[self.engine.client()], arguments].concat().join(" ")
    }
}

fn open(path: &Path) -> Result<Stdio, Error> {
    File::open(path).map(Stdio::from).map_err(Error::file("open", path))
}
