//! The machine before and after: jobs may not change it.
//!
//! Others use the machine at the same time, so what is new is one of two things: what a job has left, an error; or
//! something that a job cannot have done, which is reported and no more. Jobs leave tracks, and those decide.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use testbed::Sandbox;

const BINFMT_MISC: &str = "/proc/sys/fs/binfmt_misc";

/// The namespaces that say whose a process is; every sandbox has its own of both.
const NAMESPACES: [&str; 2] = ["net", "user"];

/// The beginning of the names of sandboxes' cgroups.
const CGROUP: &str = "/qus-testbed-";

/// The parts of the machine that a job could change.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    /// The entries of binfmt_misc, and what they say.
    entries: BTreeMap<String, String>,
    /// The mounts, as `/proc/self/mountinfo` has them.
    mounts: BTreeSet<String>,
    /// The names of network namespaces that have one.
    networks: BTreeSet<String>,
    processes: BTreeMap<u32, Process>,
}

/// A process, as far as it shows whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Process {
    parent: u32,
    /// The targets of the links `/proc/PID/ns/*`: `net:[4026531840]`. Nothing of one that is ending.
    namespaces: BTreeSet<String>,
    cgroup: String,
}

/// The things of the machine that a sandbox has while it is there.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    dir: PathBuf,
    cgroup: PathBuf,
    namespaces: BTreeSet<String>,
}

/// The differences from before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// The traces that jobs have left, or may have.
    pub(super) ours: Vec<String>,
    /// The changes that no job can have made.
    pub(super) others: Vec<String>,
}

impl Track {
    pub(super) fn of(sandbox: &Sandbox) -> Track {
        let mut namespaces = namespaces(sandbox.pid());
        // A namespace that the machine's own processes are in is no track.
        for shared in self::namespaces(std::process::id()) {
            namespaces.remove(&shared);
        }
        Track { dir: sandbox.dir().to_owned(), cgroup: sandbox.cgroup().to_owned(), namespaces }
    }

    /// The same without its namespaces, for one of many sandboxes: when it has ended, the kernel soon gives their numbers to
    /// processes of others. Its own are in its cgroup, which is there as long as they are.
    pub(super) fn of_one_of_many(sandbox: &Sandbox) -> Track {
        Track { namespaces: BTreeSet::new(), ..Track::of(sandbox) }
    }

    /// A cgroup has its name alone, and the kernel gives a namespace's number again when that has ended: who is in a
    /// sandbox's cgroup is that sandbox's.
    fn has(&self, process: &Process) -> bool {
        let name = self.cgroup.file_name().unwrap_or_default().to_string_lossy();
        match process.cgroup.contains(CGROUP) {
            true => !name.is_empty() && process.cgroup.contains(&*name),
            false => !self.namespaces.is_disjoint(&process.namespaces),
        }
    }
}

impl Snapshot {
    pub(super) fn take() -> anyhow::Result<Snapshot> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").context("cannot read the mounts")?;
        let pids = names(Path::new("/proc")).into_iter().filter_map(|name| name.parse().ok());
        Ok(Snapshot {
            entries: entries(),
            mounts: mounts.lines().map(str::to_owned).collect(),
            networks: names(Path::new("/run/netns")),
            // A process that ends meanwhile is none.
            processes: pids.filter_map(|pid| Some((pid, process(pid)?))).collect(),
        })
    }

    /// The differences now, after sandboxes that left `tracks`.
    pub(super) fn changes(&self, tracks: &[Track]) -> anyhow::Result<Changes> {
        let mut changes = self.compare(&Snapshot::take()?, tracks, std::process::id());
        for track in tracks {
            for path in [&track.dir, &track.cgroup].into_iter().filter(|path| path.exists()) {
                changes.ours.push(format!("{} is still there", path.display()));
            }
        }
        Ok(changes)
    }

    /// The differences of `now`; `own` is the process that ran the jobs.
    fn compare(&self, now: &Snapshot, tracks: &[Track], own: u32) -> Changes {
        let mut changes = Changes::default();
        for name in self.entries.keys().chain(now.entries.keys()).collect::<BTreeSet<_>>() {
            let (before, after) = (self.entries.get(name), now.entries.get(name));
            if before != after {
                // Jobs clear everything, and register what is called `qemu-…`.
                let other = before.is_none() && !name.starts_with("qemu-");
                changes.add(!other, format!("the entry `{name}` of binfmt_misc"));
            }
        }
        for mount in self.mounts.symmetric_difference(&now.mounts) {
            let ours = tracks.iter().any(|track| mount.contains(&*track.dir.to_string_lossy()));
            changes.add(ours, format!("the mount `{mount}`"));
        }
        // Jobs give no network namespace a name.
        for name in self.networks.symmetric_difference(&now.networks) {
            changes.add(false, format!("the network `{name}`"));
        }
        let before: BTreeSet<&String> =
            self.processes.values().flat_map(|process| &process.namespaces).collect();
        let mut told = BTreeSet::new();
        for (pid, process) in &now.processes {
            // Also those that were given to another parent: they keep their namespaces and their cgroup.
            let tracked = tracks.iter().any(|track| track.has(process));
            let ours = tracked || now.descends(*pid, own);
            if ours {
                changes.ours.push(format!("the process {pid} still runs"));
            }
            for namespace in process.namespaces.iter().filter(|namespace| !before.contains(namespace)) {
                if told.insert(namespace) {
                    changes.add(ours, format!("the namespace {namespace} of the process {pid}"));
                }
            }
        }
        changes
    }

    /// True if `ancestor` has started `pid`, or something that has.
    fn descends(&self, pid: u32, ancestor: u32) -> bool {
        let parent = |pid: &u32| self.processes.get(pid).map(|process| process.parent);
        // A parent that is not in the list ends it, as 0 does.
        std::iter::successors(parent(&pid), parent).take(self.processes.len()).any(|pid| pid == ancestor)
    }
}

impl Changes {
    fn add(&mut self, ours: bool, change: String) {
        if ours { &mut self.ours } else { &mut self.others }.push(change);
    }
}

fn entries() -> BTreeMap<String, String> {
    names(Path::new(BINFMT_MISC))
        .into_iter()
        .filter(|name| name != "register")
        .map(|name| {
            let text = fs::read_to_string(Path::new(BINFMT_MISC).join(&name)).unwrap_or_default();
            (name, text)
        })
        .collect()
}

/// The names in a directory; none if there is no such directory.
fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The state of a process (proc_pid_stat(5)); `None` if it is not there any more.
fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command, in parentheses, may contain anything.
    let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
    let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    Some(Process { parent, namespaces: namespaces(pid), cgroup })
}

fn namespaces(pid: u32) -> BTreeSet<String> {
    let link = |name: &&str| fs::read_link(format!("/proc/{pid}/ns/{name}")).ok();
    NAMESPACES.iter().filter_map(link).map(|link| link.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 10;

    fn process(parent: u32, net: &str, cgroup: &str) -> Process {
        Process { parent, namespaces: BTreeSet::from([net.to_owned()]), cgroup: cgroup.to_owned() }
    }

    fn before() -> Snapshot {
        Snapshot {
            entries: BTreeMap::from([("python3".to_owned(), "enabled".to_owned())]),
            processes: BTreeMap::from([
                (1, process(0, "net:[1]", "0::/")),
                (OWN, process(1, "net:[1]", "0::/")),
            ]),
            ..Snapshot::default()
        }
    }

    fn track() -> Track {
        Track {
            dir: PathBuf::from("/cache/sandbox-a"),
            cgroup: PathBuf::from("/sys/fs/cgroup/qus-testbed-sandbox-a"),
            namespaces: BTreeSet::from(["net:[7]".to_owned(), "user:[8]".to_owned()]),
        }
    }

    /// Changes `before` by `change`; what of that is a job's, and what is not?
    #[track_caller]
    fn check(change: impl FnOnce(&mut Snapshot), ours: &[&str], others: &[&str]) {
        let mut now = before();
        change(&mut now);
        let changes = before().compare(&now, &[track()], OWN);
        assert_eq!(
            (changes.ours, changes.others),
            (
                ours.iter().map(|text| (*text).to_owned()).collect(),
                others.iter().map(|text| (*text).to_owned()).collect()
            )
        );
    }

    #[test]
    fn what_a_job_has_left_is_told_from_what_others_do() {
        check(|_| {}, &[], &[]);
        let entry = |name: &str| (name.to_owned(), "enabled".to_owned());
        check(|now| now.entries.extend([entry("qemu-arm")]), &["the entry `qemu-arm` of binfmt_misc"], &[]);
        check(|now| now.entries.extend([entry("cli")]), &[], &["the entry `cli` of binfmt_misc"]);
        check(|now| now.entries.clear(), &["the entry `python3` of binfmt_misc"], &[]);
        let mount = |now: &mut Snapshot, text: &str| {
            now.mounts.insert(text.to_owned());
        };
        check(|now| mount(now, "1 /cache/sandbox-a/root"), &["the mount `1 /cache/sandbox-a/root`"], &[]);
        check(|now| mount(now, "2 /mnt"), &[], &["the mount `2 /mnt`"]);
    }

    #[test]
    fn a_process_is_known_by_its_parents_its_namespaces_and_its_cgroup() {
        let with = |pid: u32, parent: u32, net: &'static str, cgroup: &'static str| {
            move |now: &mut Snapshot| {
                now.processes.insert(pid, process(parent, net, cgroup));
            }
        };
        check(with(11, OWN, "net:[1]", "0::/"), &["the process 11 still runs"], &[]);
        // Its grandchild.
        check(
            |now| {
                with(11, OWN, "net:[1]", "0::/")(now);
                with(12, 11, "net:[1]", "0::/")(now);
            },
            &["the process 11 still runs", "the process 12 still runs"],
            &[],
        );
        // Its parent has ended.
        let left = ["the process 11 still runs", "the namespace net:[7] of the process 11"];
        check(with(11, 1, "net:[7]", "0::/"), &left, &[]);
        let cgroup = "0::/qus-testbed-sandbox-a/init";
        check(with(11, 1, "net:[1]", cgroup), &["the process 11 still runs"], &[]);
        // Somebody else's.
        check(with(11, 1, "net:[1]", "0::/qus-testbed-sandbox-b"), &[], &[]);
        let again = "the namespace net:[7] of the process 11";
        check(with(11, 1, "net:[7]", "0::/qus-testbed-sandbox-b"), &[], &[again]);
        check(with(11, 1, "net:[9]", "0::/"), &[], &["the namespace net:[9] of the process 11"]);
    }

    /// A process that outlives its parent is found on the real machine, too.
    #[test]
    fn a_process_that_was_left_is_found() {
        let before = Snapshot::take().unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let changes = before.changes(&[]).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let expected = format!("the process {} still runs", child.id());
        assert!(changes.ours.contains(&expected), "{changes:?}");
    }

    #[test]
    fn what_a_sandbox_leaves_on_disk_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let track = Track { dir: dir.path().to_owned(), ..Track::default() };
        let changes = Snapshot::take().unwrap().changes(&[track]).unwrap();
        let expected = format!("{} is still there", dir.path().display());
        assert!(changes.ours.contains(&expected), "{changes:?}");
    }
}
