//! The one directory outside of its namespaces that a sandbox has: its cgroup.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// The message where there is no cgroup2 hierarchy to make a directory in.
pub(crate) const MISSING: &str =
    "no cgroup2 filesystem is mounted\nhint: mount -t cgroup2 none /sys/fs/cgroup/unified";

/// A directory in the machine's cgroup2 hierarchy; removed, with those in it, when dropped.
#[derive(Debug)]
pub(crate) struct Cgroup(PathBuf);

/// The place of the machine's cgroup2 hierarchy: its only one, or the `unified` one beside those of version 1.
pub(crate) fn root() -> Option<PathBuf> {
    find(&fs::read_to_string("/proc/self/mounts").ok()?)
}

fn find(mounts: &str) -> Option<PathBuf> {
    let mount = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|fields| {
        matches!(fields[..], [_, _, "cgroup2", options, ..] if options.split(',').any(|option| option == "rw"))
    })?;
    Some(PathBuf::from(mount[1]))
}

impl Cgroup {
    pub(crate) fn new(name: &str) -> Result<Cgroup, Error> {
        let root =
            root().ok_or_else(|| Error::Sandbox { stage: "making its cgroup", log: MISSING.to_owned() })?;
        let path = root.join(name);
        fs::create_dir(&path).map_err(Error::file("create", &path))?;
        Ok(Cgroup(path))
    }

    /// One that an earlier process left.
    pub(crate) fn existing(name: &str) -> Option<Cgroup> {
        root().map(|root| root.join(name)).filter(|path| path.is_dir()).map(Cgroup)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that has ended can hold its cgroup a moment longer.
        let end = Instant::now() + Duration::from_secs(2);
        while remove(&self.0).is_err() && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The files in a cgroup are the kernel's and go with it, so this is not `remove_dir_all`.
fn remove(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)?.flatten() {
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_of_cgroups_are_understood() {
        let hybrid = "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        for (mounts, expected) in [
            (hybrid, Some("/sys/fs/cgroup/unified")),
            ("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate 0 0\n", Some("/sys/fs/cgroup")),
            ("cgroup2 /sys/fs/cgroup cgroup2 ro,nosuid 0 0\n", None),
            ("proc /proc proc rw 0 0\n\n", None),
        ] {
            assert_eq!(find(mounts).as_deref(), expected.map(Path::new), "{mounts}");
        }
    }
}
