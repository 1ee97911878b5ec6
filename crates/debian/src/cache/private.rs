//! A cache is believed, so nobody else may write to it: checked as OpenSSH checks `~/.ssh` (sshd_config(5), `StrictModes`).

use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::Error;

/// The reason why others can write to a folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Exposed {
    /// It is another user's.
    Owner(u32),
    /// Its mode lets others write.
    Mode(u32),
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exposed::Owner(uid) => write!(f, "it belongs to another user ({uid})"),
            Exposed::Mode(mode) => write!(f, "other users can write to it (mode {mode:04o})"),
        }
    }
}

impl std::error::Error for Exposed {}

impl Exposed {
    /// The one in an I/O error, if it has one.
    pub(super) fn of(error: &io::Error) -> Option<&Exposed> {
        error.get_ref()?.downcast_ref()
    }
}

/// Fails if anybody but this user and root can write to `dir`, to a folder in it, or can replace it.
pub(super) fn check(dir: &Path) -> Result<(), Error> {
    let operation = "trust the cache folder";
    let look = |path: &Path, exposed: fn(&Metadata) -> Option<Exposed>| {
        let metadata = fs::metadata(path).map_err(Error::at(operation, path))?;
        match exposed(&metadata).filter(|_| metadata.is_dir()) {
            Some(exposed) => Err(Error::at(operation, path)(io::Error::other(exposed))),
            None => Ok(metadata),
        }
    };
    let own = look(dir, in_cache)?;
    let whole = dir.canonicalize().map_err(Error::at(operation, dir))?;
    for ancestor in whole.ancestors().skip(1) {
        look(ancestor, above)?;
    }
    // Where others cannot enter, what they could do inside does not matter.
    if own.mode() & 0o011 == 0 {
        return Ok(());
    }
    for entry in fs::read_dir(dir).map_err(Error::at(operation, dir))? {
        let entry = entry.map_err(Error::at(operation, dir))?;
        // What goes meanwhile is another process's.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.path().exists() {
            look(&entry.path(), in_cache)?;
        }
    }
    Ok(())
}

fn in_cache(folder: &Metadata) -> Option<Exposed> {
    let own = [0, rustix::process::geteuid().as_raw()].contains(&folder.uid());
    let mode = folder.mode() & 0o7777;
    match (own, mode & 0o022) {
        (false, _) => Some(Exposed::Owner(folder.uid())),
        (true, 0) => None,
        (true, _) => Some(Exposed::Mode(mode)),
    }
}

/// A folder above the cache: whose it is and its group are the machine's affair, as in containers whose home is mounted. In one with
/// the sticky bit, such as `/tmp`, others cannot replace what is not theirs.
fn above(folder: &Metadata) -> Option<Exposed> {
    let mode = folder.mode() & 0o7777;
    (mode & 0o1002 == 0o002).then_some(Exposed::Mode(mode))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, chown};

    use base::Hint as _;

    use super::super::Cache;
    use super::*;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// The message and its cause with `DIR` for the temporary folder, and the hint.
    fn check(dir: &Path, expected: Result<(), [&str; 2]>) {
        let opened = Cache::open(&dir.join("cache")).map(drop).map_err(|error| {
            let name = dir.display().to_string();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            [format!("{error}: {cause}").replace(&name, "DIR"), error.hint().unwrap().replace(&name, "DIR")]
        });
        assert_eq!(opened, expected.map_err(|texts| texts.map(str::to_owned)));
    }

    /// Fails unless the cache is refused since others can write to `folder`.
    fn check_open(dir: &Path, folder: &str, mode: u32) {
        let error =
            format!("cannot trust the cache folder {folder}: other users can write to it (mode {mode:04o})");
        let hint = format!("`chmod go-rwx {folder}` if nobody else had a hand in it, or remove it; {OTHER}");
        check(dir, Err([&error, &hint]));
    }

    const OTHER: &str = "QUS_CACHE_DIR names another folder for the cache";

    #[test]
    fn a_cache_that_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, cache) = (dir.path(), dir.path().join("cache"));
        check(dir, Ok(()));
        assert_eq!(fs::metadata(&cache).unwrap().mode() & 0o777, 0o700);
        for good in [0o700, 0o755, 0o750] {
            set(&cache, good);
            check(dir, Ok(()));
        }
        for bad in [0o777, 0o775, 0o757, 0o1777, 0o722] {
            set(&cache, bad);
            check_open(dir, "DIR/cache", bad);
        }
    }

    #[test]
    fn the_folders_in_it_and_above_it_count_too() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, cache) = (dir.path(), dir.path().join("cache"));
        check(dir, Ok(()));
        let partial = cache.join("partial");
        set(&partial, 0o777);
        // Nobody else gets there.
        check(dir, Ok(()));
        set(&cache, 0o755);
        check_open(dir, "DIR/cache/partial", 0o777);
        set(&partial, 0o755);

        set(dir, 0o777);
        check_open(dir, "DIR", 0o777);
        // As `/tmp`.
        set(dir, 0o1777);
        check(dir, Ok(()));
    }

    #[test]
    fn another_users_cache_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        check(dir.path(), Ok(()));
        let other = |uid: u32| in_cache(&fs::metadata(&cache).unwrap()) == Some(Exposed::Owner(uid));
        // Only root can give a folder away; for everybody else, a folder of somebody who is neither is not at hand.
        if chown(&cache, Some(4711), None).is_ok() {
            assert!(other(4711));
            let error = "cannot trust the cache folder DIR/cache: it belongs to another user (4711)";
            check(dir.path(), Err([error, OTHER]));
        }
    }
}
