//! One workload under one QEMU, in a sandbox of its own.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use arch::Target;
use binfmt::{Entry, Flags};
use sha256::VerifyReader;
use testbed::packages::Deb;
use testbed::sandbox::SHARED;
use testbed::{Packages, Sandbox};

use super::outcome::{End, Ended};
use super::qemu::Program;
use super::roots::Root;
use super::workloads::Workload;
use crate::machine::Track;

/// The parts of an attempt.
pub(super) struct Attempt<'a> {
    pub(super) packages: &'a Packages,
    pub(super) target: Target,
    pub(super) root: &'a Root,
    pub(super) qemu: &'a Program,
    /// The CPU model, unless it is QEMU's own default.
    pub(super) cpu: Option<&'a str>,
    pub(super) workload: &'a Workload,
}

/// A workload that has ended, with what it took.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) end: End,
    /// The time of processors in programs, of all its processes.
    pub(super) user: Duration,
    pub(super) elapsed: Duration,
}

/// The most that a workload may write, in megabytes. It is in memory.
const DISK: u32 = 1536;

/// The most processes, and bytes of memory that they have for themselves or share.
const PROCESSES: usize = 300;
const MEMORY: u64 = 3 << 30;

/// The most of its output that is looked at, in bytes.
const OUTPUT: u64 = 256 << 10;

const POLL: Duration = Duration::from_millis(20);

/// The time in which processes that were told to end do so.
const GRACE: Duration = Duration::from_secs(2);

/// Runs a workload with its programs under QEMU. What it has started has ended afterwards; `track` gets what the sandbox had of
/// the machine.
pub(super) fn run(attempt: &Attempt<'_>, track: &mut Option<Track>) -> anyhow::Result<Ran> {
    let Attempt { packages, target, root, qemu, cpu, workload } = *attempt;
    let binds = root.trees.iter().map(|tree| tree.path().to_owned()).collect();
    let (sandbox, qemu) = qemu.start(packages, binds)?;
    *track = Some(Track::of_one_of_many(&sandbox));
    register(&sandbox, target, &qemu, workload)?;
    write(&sandbox, "workload", workload.script.as_bytes())?;
    bring(&sandbox, &root.debs)?;
    let layers: Vec<_> = root.trees.iter().map(|tree| tree.path().display().to_string()).collect();
    sandbox.run(&["sh", "-euc", include_str!("enter.sh"), "sh", &layers.join(":"), &DISK.to_string()])?;

    let before = pids(&sandbox);
    let user = user_time(&sandbox)?;
    let started = Instant::now();
    let mut command = sandbox.command("sh");
    command.args(["-euc", include_str!("start.sh"), "sh"]);
    command.args(cpu.map(|model| format!("QEMU_CPU={model}")));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let mut turn = 0_u32;
    let ended = loop {
        if let Some(status) = child.try_wait()? {
            break Ended::Exit(code(status));
        }
        if started.elapsed() >= workload.limit {
            break Ended::Time(workload.limit.as_secs());
        }
        // Looking at every process is not done as often as at one.
        turn += 1;
        if turn.is_multiple_of(10)
            && let Some(limit) = exceeded(&sandbox)
        {
            break Ended::Limit(limit);
        }
        thread::sleep(POLL);
    };
    let elapsed = started.elapsed();
    let left = match ended {
        Ended::Exit(_) => left(&sandbox, &before),
        Ended::Time(_) | Ended::Limit(_) => 0,
    };
    let user = user_time(&sandbox)?.saturating_sub(user);
    let [stdout, stderr] = ["out", "err"].map(|name| printed(&sandbox, name));
    drop(sandbox);
    // With the sandbox, it has ended at the latest.
    let _ = child.wait();
    Ok(Ran { end: End { ended, stdout, stderr, left }, user, elapsed })
}

/// Has the sandbox's kernel run programs for `target` under `qemu`, as `register -p` does, and `register -p -c`.
fn register(sandbox: &Sandbox, target: Target, qemu: &Path, workload: &Workload) -> anyhow::Result<()> {
    let magic = target.magic();
    let flags = Flags::FIX_BINARY | Flags::PRESERVE_ARGV0 | Flags::CREDENTIALS.when(workload.has_credentials);
    let name = format!("qemu-{target}");
    let entry = Entry::new(&name, (magic.value(), magic.mask()), qemu, flags)?;
    let line = entry.register_line()?;
    write(sandbox, "entry", &line)?;
    // In one write, as the kernel takes it.
    let from = format!("{SHARED}/entry");
    sandbox.run(&["dd", &format!("if={from}"), "of=/proc/sys/fs/binfmt_misc/register", "bs=4096"])?;
    Ok(())
}

/// Puts packages into the shared folder, where a workload can read them.
fn bring(sandbox: &Sandbox, debs: &[(String, Deb)]) -> anyhow::Result<()> {
    if debs.is_empty() {
        return Ok(());
    }
    let folder = sandbox.shared().join("packages");
    fs::create_dir(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (name, Deb { path, size, digest }) in debs {
        let copy = || {
            let mut from = VerifyReader::new(File::open(path)?, *size, *digest);
            io::copy(&mut from, &mut File::create_new(folder.join(format!("{name}.deb")))?)
        };
        copy().with_context(|| format!("cannot copy {}", path.display()))?;
    }
    Ok(())
}

/// Writes a file into the shared folder.
fn write(sandbox: &Sandbox, name: &str, contents: &[u8]) -> anyhow::Result<()> {
    let path = sandbox.shared().join(name);
    fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))
}

/// The exit code, of signals as shells have it.
fn code(status: ExitStatus) -> i32 {
    status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// The first bytes of what it has printed.
fn printed(sandbox: &Sandbox, name: &str) -> String {
    let mut bytes = Vec::new();
    // Without the file, it has printed nothing.
    if let Ok(file) = File::open(sandbox.path(format!("/run/conformance/{name}"))) {
        let _ = file.take(OUTPUT).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The processes in the sandbox.
fn pids(sandbox: &Sandbox) -> BTreeSet<u32> {
    let path = sandbox.cgroup().join("init/cgroup.procs");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// The number of processes that are there still, after a moment in which they may end.
fn left(sandbox: &Sandbox, before: &BTreeSet<u32>) -> usize {
    let end = Instant::now() + GRACE;
    loop {
        let left = pids(sandbox).difference(before).count();
        if left == 0 || Instant::now() >= end {
            return left;
        }
        thread::sleep(POLL);
    }
}

/// The limit that the sandbox's processes have reached.
fn exceeded(sandbox: &Sandbox) -> Option<String> {
    let pids = pids(sandbox);
    if pids.len() > PROCESSES {
        return Some(format!("it has more than {PROCESSES} processes"));
    }
    let memory: Vec<Memory> = pids.into_iter().filter_map(Memory::of).collect();
    (Memory::all(&memory) > MEMORY).then(|| format!("it has more than {} of memory", base::size(MEMORY)))
}

/// The bytes of a process that are in memory, and of no file on a disk (proc_pid_status(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Memory {
    own: u64,
    shared: u64,
}

impl Memory {
    fn of(pid: u32) -> Option<Memory> {
        Memory::parse(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    fn parse(status: &str) -> Option<Memory> {
        let bytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            value.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
        };
        Some(Memory { own: bytes("RssAnon:")?, shared: bytes("RssShmem:")? })
    }

    /// The bytes of all: what is shared counts once, as that of the process that has the most.
    fn all(of_each: &[Memory]) -> u64 {
        let own: u64 = of_each.iter().map(|memory| memory.own).sum();
        own + of_each.iter().map(|memory| memory.shared).max().unwrap_or_default()
    }
}

/// The time that processors have spent in the sandbox's programs (cgroup v2, `cpu.stat`), also in those that have ended.
fn user_time(sandbox: &Sandbox) -> anyhow::Result<Duration> {
    let path = sandbox.cgroup().join("cpu.stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let user = text.lines().find_map(|line| line.strip_prefix("user_usec ")?.parse().ok());
    user.map(Duration::from_micros).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_shared_counts_once() {
        let memory = |own: u64, shared: u64| {
            let status =
                format!("Name:\tbash\nRssAnon:\t {own} kB\nRssFile:\t 9 kB\nRssShmem:\t{shared:8} kB\n");
            Memory::parse(&status).unwrap()
        };
        assert_eq!(Memory::all(&[memory(1, 20), memory(2, 30), memory(0, 0)]), 33 << 10);
        assert_eq!(Memory::all(&[]), 0);
        // A process without memory is one of the kernel's, or has ended.
        assert_eq!(Memory::parse("Name:\tkthreadd\n"), None);
    }
}
