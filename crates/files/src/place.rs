//! The kinds of places that a path can lead to.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// The most symbolic links that a path may lead through; Linux has the same limit (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// The place that a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A regular file or nothing, at a path that is no link.
    File(PathBuf),
    /// This process's stdout.
    Stdout,
    /// Something that takes bytes as they come, at this path: a device, a FIFO, another open file.
    Stream(PathBuf),
}

impl Place {
    /// Follows `path` to its end.
    pub(crate) fn find(path: &Path) -> io::Result<Place> {
        if path.as_os_str() == "-" {
            return Ok(Place::Stdout);
        }
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let found = match path.symlink_metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::File(path)),
                found => found?.file_type(),
            };
            if found.is_file() {
                return Ok(Place::File(path));
            } else if found.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            } else if found.is_socket() {
                return Err(io::Error::other("it is a socket"));
            } else if !found.is_symlink() {
                return Ok(Place::Stream(path));
            } else if let Some(is_stdout) = open_file(&path) {
                return Ok(if is_stdout { Place::Stdout } else { Place::Stream(path) });
            }
            let to = fs::read_link(&path)?;
            path = path.parent().unwrap_or(Path::new("")).join(to);
        }
        Err(io::Error::other("too many symbolic links"))
    }
}

/// If `link` is one of procfs to an open file (`/proc/self/fd/1`; `/dev/stdout` leads there): true for this process's
/// stdout. The text of such a link may name a file, and still the open file is meant, with its place in it (proc(5)).
fn open_file(link: &Path) -> Option<bool> {
    let folder = link.parent()?.canonicalize().ok()?;
    let inside = folder.strip_prefix("/proc").ok()?;
    if !inside.ends_with("fd") {
        return None;
    }
    let own = Path::new("/proc/self/fd").canonicalize().is_ok_and(|own| own == folder);
    Some(own && link.file_name().is_some_and(|name| name == "1"))
}
