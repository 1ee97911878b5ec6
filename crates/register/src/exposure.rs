//! Interpreters that anybody could put another file in place of.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Write permission for others, and the bit that keeps them from what they do not own (inode(7)).
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// The place where everybody can change what is at `path`: the file, or a folder on the way to it, as it is written and as
/// links lead there.
pub(crate) fn writable_by_all(path: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    let mode = |path: &Path| path.metadata().map_or(0, |metadata| metadata.mode());
    if mode(&real) & OTHERS_WRITE != 0 {
        return Some(real);
    }
    let open_to_all = |folder: &&Path| mode(folder) & (OTHERS_WRITE | STICKY) == OTHERS_WRITE;
    let folders = path.ancestors().skip(1).chain(real.ancestors().skip(1));
    folders.into_iter().find(open_to_all).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_and_folders_that_everybody_can_write_to_are_found() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let set = |name: &str, mode| fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
        fs::create_dir_all(at("folder/inner")).unwrap();
        fs::write(at("folder/inner/file"), "").unwrap();
        std::os::unix::fs::symlink(at("folder/inner/file"), at("link")).unwrap();
        for name in ["folder", "folder/inner", "folder/inner/file"] {
            set(name, 0o755);
        }
        let found = |name: &str| writable_by_all(&at(name));
        assert_eq!((found("folder/inner/file"), found("link"), found("missing")), (None, None, None));
        for (name, open, closed) in
            [("folder/inner/file", 0o757, 0o775), ("folder/inner", 0o777, 0o1777), ("folder", 0o757, 0o755)]
        {
            set(name, open);
            assert_eq!(found("folder/inner/file"), Some(at(name)));
            assert_eq!(found("link"), Some(at(name)), "through a link");
            set(name, closed);
            assert_eq!(found("folder/inner/file"), None, "{name}");
        }
        // A link is in a folder, too.
        fs::create_dir(at("open")).unwrap();
        std::os::unix::fs::symlink(at("folder/inner/file"), at("open/link")).unwrap();
        set("open", 0o777);
        assert_eq!(found("open/link"), Some(at("open")));
    }
}
