//! The machine before and after: jobs may not change it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context as _;

const BINFMT_MISC: &str = "/proc/sys/fs/binfmt_misc";

/// What of the machine a job could change.
pub(super) struct Snapshot {
    /// The entries of binfmt_misc, and what they say.
    entries: BTreeMap<String, String>,
    /// The mounts, as `/proc/self/mountinfo` has them.
    mounts: BTreeSet<String>,
    /// The names of network namespaces that have one.
    networks: BTreeSet<String>,
}

impl Snapshot {
    pub(super) fn take() -> anyhow::Result<Snapshot> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").context("cannot read the mounts")?;
        Ok(Snapshot {
            entries: entries(),
            mounts: mounts.lines().map(str::to_owned).collect(),
            networks: names(Path::new("/run/netns")),
        })
    }

    /// What is different now, and which processes that this one has started still run.
    pub(super) fn changes(&self) -> anyhow::Result<Vec<String>> {
        let now = Snapshot::take()?;
        let mut changes = Vec::new();
        for name in self.entries.keys().chain(now.entries.keys()).collect::<BTreeSet<_>>() {
            if self.entries.get(name) != now.entries.get(name) {
                changes.push(format!("the entry `{name}` of binfmt_misc"));
            }
        }
        let sets = [("mount", &self.mounts, &now.mounts), ("network", &self.networks, &now.networks)];
        for (what, before, after) in sets {
            changes.extend(before.symmetric_difference(after).map(|name| format!("the {what} `{name}`")));
        }
        changes.extend(children().into_iter().map(|pid| format!("the process {pid} still runs")));
        Ok(changes)
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

/// The processes whose parent is this one (proc_pid_stat(5)); those in sandboxes end with theirs.
fn children() -> Vec<u32> {
    let own = std::process::id().to_string();
    let parent = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The command, in parentheses, may contain anything.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1).map(str::to_owned)
    };
    names(Path::new("/proc"))
        .into_iter()
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|pid| parent(pid).as_deref() == Some(&own))
        .filter_map(|pid| pid.parse().ok())
        .collect()
}
