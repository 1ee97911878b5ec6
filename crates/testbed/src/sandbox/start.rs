//! Starting a sandbox: the namespaces, the id maps, and the wait until it is up.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Network, Options, Sandbox, place::Place};
use crate::console::Console;
use crate::packages::{Packages, Tree};
use crate::{Error, output};

/// Mounts are a matter of milliseconds; this is for a machine under load.
const LIMIT: Duration = Duration::from_secs(30);

/// Every id but the last (see the crate's documentation).
const IDS: &str = "0 0 4294967294\n";

pub(super) fn busybox(base: &Tree) -> PathBuf {
    base.path().join("usr/bin/busybox")
}

pub(super) fn start(packages: &Packages, options: &Options<'_>) -> Result<Sandbox, Error> {
    let base = packages.base()?;
    let place = Place::new(&packages.work()?)?;
    let log = place.dir().join("init.log");
    let mut child = spawn(&base, &place, &log, options)?;
    match bring_up(&mut child) {
        Ok(pid) => {
            let trees = options.trees.iter().copied().cloned().collect();
            let (stdin, network) = (child.stdin.take(), options.network);
            Ok(Sandbox { stdin, child, pid, network, place, base, _trees: trees })
        }
        Err((stage, error)) => {
            drop(child.stdin.take());
            // Ended already, most likely.
            let _ = child.kill();
            let _ = child.wait();
            let printed = fs::read_to_string(&log).unwrap_or_default();
            let log = format!("{error}\n{}", output::tail(&printed, 20)).trim_end().to_owned();
            Err(Error::Sandbox { stage, log })
        }
    }
}

fn spawn(base: &Tree, place: &Place, log: &Path, options: &Options<'_>) -> Result<Child, Error> {
    let busybox = busybox(base);
    let lower: Vec<_> =
        options.trees.iter().copied().chain([base]).map(|tree| tree.path().display().to_string()).collect();
    let unshare = match options.network {
        Network::Private => &["-U", "-m", "-p", "-i", "-u", "-n", "-f"][..],
        Network::Host => &["-U", "-m", "-p", "-i", "-u", "-f"][..],
    };
    let stderr = File::create(log).map_err(Error::file("create", log))?;
    let mut command = Command::new(&busybox);
    // Into the cgroup while this is still the machine's root; then the namespaces.
    command.args(["sh", "-euc", r#"echo 0 > "$0/cgroup.procs"; exec "$@""#]).arg(place.cgroup());
    command.arg(&busybox).arg("unshare").args(unshare).arg("--");
    command.arg(&busybox).args(["sh", "-euc", include_str!("init.sh"), "sh"]);
    command
        .arg(&busybox)
        .arg(place.dir())
        .arg(lower.join(":"))
        .arg(options.network.name())
        .args(&options.binds);
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
    command.spawn().map_err(|cause| Error::Spawn { command: busybox.display().to_string(), cause })
}

/// Writes the id maps when the namespaces are there, and returns the first process's number when it is up.
fn bring_up(child: &mut Child) -> Result<u32, (&'static str, String)> {
    let at = |stage| move |error: String| (stage, error);
    // Without a stdout, which is piped, there would be no line.
    let mut console = child.stdout.take().map_or_else(|| Console::of(io::empty()), Console::of);
    let mut line = || match console.line(LIMIT) {
        Ok(line) => line.ok_or_else(|| "it ended".to_owned()),
        Err(_) => Err(format!("nothing happened for {} s", LIMIT.as_secs())),
    };

    let pid = line().map_err(at("making its namespaces"))?;
    let pid: u32 = pid.trim().parse().map_err(|_| ("making its namespaces", pid))?;
    for map in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{pid}/{map}"), IDS)
            .map_err(|error| ("mapping ids", format!("cannot write {map}: {error}")))?;
    }
    if let Some(stdin) = &mut child.stdin {
        stdin.write_all(b"mapped\n").map_err(|error| ("mapping ids", error.to_string()))?;
    }
    match line().map_err(at("mounting its root"))?.trim() {
        "up" => Ok(pid),
        other => Err(("mounting its root", other.to_owned())),
    }
}

/// Kills the first process of a sandbox, and with it everything inside.
pub(super) fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended by itself by now.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}
