//! The things that a sandbox has outside of its namespaces: a directory in the cache, and a cgroup.

use std::fs::{self, File};
use std::path::Path;

use base::LockFile;

use crate::Error;
use crate::cgroup::Cgroup;

const PREFIX: &str = "sandbox-";

/// The file in a sandbox's directory that its process holds locked.
const LOCK: &str = "lock";

/// A sandbox's directory and its cgroup of the same name. Both go when this is dropped; if the process is killed
/// before, the next sandbox in the same cache removes them.
#[derive(Debug)]
pub(super) struct Place {
    // In the order in which they are let go.
    cgroup: Cgroup,
    dir: tempfile::TempDir,
    _lock: LockFile,
}

impl Place {
    /// Makes a place in the directory `work`.
    pub(super) fn new(work: &Path) -> Result<Place, Error> {
        let creating = lock(&work.join(LOCK))?;
        creating.lock().map_err(Error::file("lock", work))?;
        sweep(work);
        let dir =
            tempfile::Builder::new().prefix(PREFIX).tempdir_in(work).map_err(Error::file("create", work))?;
        let held = lock(&dir.path().join(LOCK))?;
        held.lock().map_err(Error::file("lock", dir.path()))?;
        for name in ["root", "upper", "work", "shared"] {
            let path = dir.path().join(name);
            fs::create_dir(&path).map_err(Error::file("create", &path))?;
        }
        let cgroup = Cgroup::new(&cgroup_name(dir.path()))?;
        Ok(Place { cgroup, dir, _lock: held })
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn cgroup(&self) -> &Path {
        self.cgroup.path()
    }
}

fn lock(path: &Path) -> Result<LockFile, Error> {
    File::create(path).map(LockFile::from).map_err(Error::file("create", path))
}

/// A temporary directory's name is unique enough for the machine's cgroups.
fn cgroup_name(dir: &Path) -> String {
    format!("qus-testbed-{}", dir.file_name().unwrap_or_default().to_string_lossy())
}

/// Removes the places of processes that were killed: nobody holds their locks. What cannot be removed is left to the
/// next time.
fn sweep(work: &Path) {
    let Ok(entries) = fs::read_dir(work) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let ours =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        // Without a lock file, the process was killed right after making the directory.
        let held = File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err());
        if ours && !held {
            drop(Cgroup::existing(&cgroup_name(&path)));
            let _ = fs::remove_dir_all(&path);
        }
    }
}
