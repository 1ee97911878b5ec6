//! Keeping the cache within its limit: what was not used for the longest time goes first.

use std::cmp::Reverse;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;
use base::LockFile;
use debian::Cache;

use super::entries::{self, Entry, Folder};
use super::limit::Limit;

/// The result of making room.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// So many entries and bytes went; so many bytes are there now.
    Removed { entries: usize, bytes: u64, left: u64 },
    /// Nothing was looked at: another process has the cache open, and makes room when it is done.
    InUse,
}

/// Removes entries until the cache is within `limit`. What was used `since` then stays, and so does what is locked.
pub(super) fn bound(cache: &Cache, limit: Limit, since: SystemTime) -> anyhow::Result<Bound> {
    let Some(_alone) = cache.alone()? else { return Ok(Bound::InUse) };
    sweep(cache.dir());
    let mut found = entries::list(cache.dir())?;
    let mut left: u64 = found.iter().map(|entry| entry.bytes).sum();
    // Of what was used at one time, the largest: its room is most of what is wanted.
    found.sort_by_key(|entry| (entry.used, Reverse(entry.bytes)));
    let (mut removed, mut bytes) = (0, 0);
    for entry in found.iter().filter(|entry| entry.used < since) {
        if left <= limit.bytes() {
            break;
        }
        if remove(entry).with_context(|| format!("cannot remove {}", entry.path.display()))? {
            removed += 1;
            bytes += entry.bytes;
            left -= entry.bytes;
        }
    }
    Ok(Bound::Removed { entries: removed, bytes, left })
}

/// Removes an entry as a whole: a folder gets another name first, so that none is ever found with a part missing. `false`:
/// somebody holds it.
pub(super) fn remove(entry: &Entry) -> io::Result<bool> {
    let lock = match entry.lock() {
        None => None,
        Some(path) => {
            let lock = LockFile::from(File::open(path)?);
            if lock.try_lock().is_err() {
                return Ok(false);
            }
            Some(lock)
        }
    };
    if !entry.path.is_dir() {
        return fs::remove_file(&entry.path).map(|()| true);
    }
    let name = entry.path.file_name().unwrap_or_default().to_string_lossy();
    let aside = entry.path.with_file_name(format!(".removed-{name}"));
    fs::rename(&entry.path, &aside)?;
    drop(lock);
    fs::remove_dir_all(&aside).map(|()| true)
}

/// Removes what killed processes left under names with a dot. What cannot be removed stays: it is only space.
fn sweep(cache: &Path) {
    for folder in [Folder::Memos, Folder::Blobs, Folder::Register, Folder::Testbed] {
        let Ok(listed) = fs::read_dir(cache.join(folder.name())) else { continue };
        for path in listed.flatten().map(|entry| entry.path()).filter(|path| entries::is_leftover(path)) {
            drop(if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A cache of entries with a size and an age in seconds each.
    fn cache(entries: &[(&str, usize, u64)]) -> (tempfile::TempDir, Cache) {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path()).unwrap();
        for (name, size, age) in entries {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            // In a folder, `HOST` stands for what is in it.
            let file = if name.starts_with("sha256") { path.clone() } else { path.join("HOST") };
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, vec![0; *size]).unwrap();
            let dated = match name.starts_with("testbed") {
                true => path.with_added_extension("lock"),
                false => path,
            };
            if name.starts_with("testbed") {
                fs::write(&dated, "").unwrap();
            }
            let used = SystemTime::now() - Duration::from_secs(*age);
            File::open(&dated).unwrap().set_modified(used).unwrap();
        }
        (dir, cache)
    }

    fn left(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = entries::list(dir)
            .unwrap()
            .iter()
            .map(|entry| entry.path.strip_prefix(dir).unwrap().display().to_string())
            .collect();
        names.sort();
        names
    }

    const ENTRIES: [(&str, usize, u64); 4] =
        [("sha256/a", 100, 40), ("register/b", 200, 30), ("testbed/c", 300, 20), ("sha256/d", 400, 10)];

    fn soon() -> SystemTime {
        SystemTime::now() + Duration::from_secs(60)
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        for (limit, expected) in [
            ("1000", &["register/b", "sha256/a", "sha256/d", "testbed/c"][..]),
            ("999", &["register/b", "sha256/d", "testbed/c"]),
            ("750", &["sha256/d", "testbed/c"]),
            ("400", &["sha256/d"]),
            ("0", &[]),
        ] {
            let (dir, cache) = cache(&ENTRIES);
            let bound = bound(&cache, limit.parse().unwrap(), soon()).unwrap();
            assert_eq!(left(dir.path()), expected, "{limit}");
            let kept: u64 = entries::list(dir.path()).unwrap().iter().map(|entry| entry.bytes).sum();
            let removed = Bound::Removed { entries: 4 - expected.len(), bytes: 1000 - kept, left: kept };
            assert_eq!(bound, removed, "{limit}");
        }
    }

    #[test]
    fn what_is_in_use_stays() {
        let (dir, cache) = cache(&ENTRIES);
        // Held by a sandbox of another process.
        let lock = LockFile::from(File::open(dir.path().join("testbed/c.lock")).unwrap());
        lock.lock_shared().unwrap();
        let since = SystemTime::now() - Duration::from_secs(15);
        bound(&cache, "0".parse().unwrap(), since).unwrap();
        assert_eq!(left(dir.path()), ["sha256/d", "testbed/c"]);

        let other = Cache::open(dir.path()).unwrap();
        assert_eq!(bound(&cache, "0".parse().unwrap(), soon()).unwrap(), Bound::InUse);
        drop(other);
        drop(lock);
        bound(&cache, "0".parse().unwrap(), soon()).unwrap();
        assert_eq!(left(dir.path()), [""; 0]);
    }

    #[test]
    fn what_a_killed_process_left_goes() {
        let (dir, cache) = cache(&[("testbed/.install-1", 10, 1), ("register/.removed-b", 10, 1)]);
        bound(&cache, Limit::NONE, soon()).unwrap();
        assert!(!dir.path().join("testbed/.install-1").exists());
        assert!(!dir.path().join("register/.removed-b").exists());
    }
}
