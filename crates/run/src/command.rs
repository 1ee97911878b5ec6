//! The search for a command.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use rustix::io::Errno;

use crate::place::Place;

/// The folders where shells look without a `PATH`.
const DEFAULT: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The path of a command: itself if it is one, else the first file of this name in the folders of `path` that can be executed.
///
/// # Errors
/// EACCES, if there is one that cannot be executed; ENOENT, if there is none.
pub fn locate(command: &OsStr, path: Option<&OsStr>, place: &Place) -> Result<PathBuf, Errno> {
    let name = command.as_bytes();
    if name.is_empty() || name.contains(&b'/') {
        return Ok(command.into());
    }
    let mut found = Errno::NOENT;
    for dir in path.map_or(DEFAULT, OsStr::as_bytes).split(|byte| *byte == b':') {
        let dir: &[u8] = if dir.is_empty() { b"." } else { dir };
        let candidate = [dir, b"/", name].concat();
        match place.open(&candidate) {
            Ok(_) => return Ok(OsString::from_vec(candidate).into()),
            Err(Errno::ACCESS) => found = Errno::ACCESS,
            Err(_) => {}
        }
    }
    Err(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn commands_are_searched_as_a_shell_searches_them() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, mode: u32| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        };
        put("1/a", 0o644);
        put("1/b", 0o644);
        put("2/a", 0o755);
        put("2/c/x", 0o755);
        put("d", 0o755);
        let place = Place::new(Some(dir.path())).unwrap();
        for (command, path, expected) in [
            ("a", Some("/1:/2"), Ok("/2/a")),
            ("b", Some("/1:/2"), Err(Errno::ACCESS)),
            ("c", Some("/1:/2"), Err(Errno::ACCESS)),
            ("none", Some("/1:/2"), Err(Errno::NOENT)),
            ("d", Some("/1:"), Ok("./d")),
            ("./none", Some("/1"), Ok("./none")),
            ("", Some("/1"), Ok("")),
            ("a", None, Err(Errno::NOENT)),
        ] {
            let found = locate(OsStr::new(command), path.map(OsStr::new), &place);
            assert_eq!(found, expected.map(PathBuf::from), "{command} {path:?}");
        }
    }
}
