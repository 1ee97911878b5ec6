//! systemd in a sandbox, as a machine boots it, with Docker as one of its services.
//!
//! It is the first process of a pid namespace inside of the sandbox's, so that it can end and be started again while the
//! sandbox stays, as a machine's disk does. An entry of binfmt_misc would stay as well: each boot removes them all.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::packages::Package;
use crate::sandbox::{SHARED, Sandbox};
use crate::{Error, output};

/// A boot takes two or three seconds; this is for a machine under load.
const LIMIT: Duration = Duration::from_secs(120);

/// The libraries that systemd loads, according to `ldd`, beyond what Docker's packages have.
const PACKAGES: &str = "
    libacl1 libapparmor1 libaudit1 libblkid1 libcap-ng0 libcrypt1 libip4tc2 libkmod2 libmount1 libpam0g
    libselinux1 libssl3 libsystemd-shared systemd";

/// The folders where Debian's packages have their units, and where administrators have theirs.
const UNITS: [&str; 2] = ["/lib/systemd/system", "/etc/systemd/system"];

/// The units for what the systemd of a machine has to do with devices and networks that a sandbox does not have.
const MASKED: [&str; 5] = [
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-logind.service",
    "systemd-networkd-wait-online.service",
    "systemd-networkd.service",
];

/// A sandbox in which systemd runs.
#[derive(Debug)]
pub struct Booted<'a> {
    sandbox: &'a Sandbox,
    child: Child,
    /// systemd's number in the sandbox.
    pid: String,
}

impl<'a> Booted<'a> {
    /// The packages that a sandbox must have beside those of [`crate::Engine::Docker28`]: a list for
    /// [`crate::Packages::tree`].
    pub fn packages() -> Vec<Package> {
        Package::natives("bookworm", PACKAGES)
    }

    /// Boots `sandbox`, and waits until all services have started. Docker has the images that an engine had which ran in
    /// the sandbox before.
    pub fn start(sandbox: &'a Sandbox) -> Result<Booted<'a>, Error> {
        prepare(sandbox)?;
        let [log, pid] = ["systemd.log", "systemd.pid"].map(|name| sandbox.shared().join(name));
        let file = File::create(&log).map_err(Error::file("create", &log))?;
        let errors = file.try_clone().map_err(Error::file("create", &log))?;
        fs::write(&pid, "").map_err(Error::file("write", &pid))?;
        let mut command = sandbox.command("sh");
        command.args(["-euc", include_str!("boot.sh"), "sh"]).arg(Path::new(SHARED).join("systemd.pid"));
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let child = command.spawn().map_err(|cause| Error::Spawn { command: "systemd".to_owned(), cause })?;
        let mut booted = Booted { sandbox, child, pid: String::new() };
        let up = output::poll(LIMIT, || {
            if let Ok(Some(status)) = booted.child.try_wait() {
                return Err(failed(&format!("it ended ({status})"), &log));
            }
            booted.pid = fs::read_to_string(&pid).map_err(Error::file("read", &pid))?.trim().to_owned();
            Ok(!booted.pid.is_empty() && booted.is_up()?)
        })?;
        if up { Ok(booted) } else { Err(failed(&format!("it is not up after {} s", LIMIT.as_secs()), &log)) }
    }

    /// A command for `program`, run on the booted machine as root in `/root`.
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.sandbox.command("/usr/bin/nsenter");
        command.args(["-t", &self.pid, "--mount", "--pid", "--ipc", "--cgroup", "--", program]);
        command
    }

    /// Shuts the machine down, as `systemctl poweroff` does.
    pub fn shut_down(mut self) -> Result<(), Error> {
        // Its answer may not come through any more.
        let mut poweroff = self.command("systemctl");
        poweroff.args(["start", "--no-block", "poweroff.target"]).stdin(Stdio::null());
        output::collect(&mut poweroff, "systemctl start poweroff.target", LIMIT)?;
        let ended = output::wait(&mut self.child, LIMIT);
        let ended = ended.map_err(|cause| Error::Spawn { command: "systemd".to_owned(), cause })?;
        let reason = format!("it still runs {} s after it was told to power off", LIMIT.as_secs());
        ended.map(drop).ok_or_else(|| failed(&reason, &self.sandbox.shared().join("systemd.log")))
    }

    /// True if everything that is started at boot has been.
    fn is_up(&self) -> Result<bool, Error> {
        let mut asked = self.command("systemctl");
        asked.args(["is-system-running", "--wait"]).stdin(Stdio::null());
        let answer = output::collect(&mut asked, "systemctl is-system-running", LIMIT)?;
        // Degraded: some service has failed. Which ones matter is for the test to say.
        Ok(["running", "degraded"].contains(&String::from_utf8_lossy(&answer.stdout).trim()))
    }
}

impl Drop for Booted<'_> {
    fn drop(&mut self) {
        // This is only the way into the sandbox, in whose end systemd ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files that an installed Debian has, and the sandbox's trees do not.
fn prepare(sandbox: &Sandbox) -> Result<(), Error> {
    // Without one systemd takes it for the first boot ever, and enables every unit.
    sandbox.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")?;
    let docker = json!({
        "data-root": "/shared/docker",
        "iptables": false,
        "ip6tables": false,
        "ip-forward": false,
        "bridge": "none",
        // The other one asks systemd by way of D-Bus.
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "features": {"containerd-snapshotter": false},
    });
    sandbox.write("/etc/docker/daemon.json", docker.to_string())?;
    let [debian, own] = UNITS;
    let mut script = format!("mkdir -p {own}/multi-user.target.wants\n");
    script.push_str(&format!("ln -sf {debian}/docker.service {own}/multi-user.target.wants\n"));
    for unit in MASKED {
        script.push_str(&format!("ln -sf /dev/null {own}/{unit}\n"));
    }
    sandbox.run(&["sh", "-euc", &script]).map(drop)
}

fn failed(reason: &str, log: &Path) -> Error {
    let log = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    Error::Daemon { daemon: "systemd".to_owned(), reason: reason.to_owned(), log: output::tail(&log, 30) }
}
