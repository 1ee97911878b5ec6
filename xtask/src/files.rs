//! Writing files that others read: whole or not at all.

use std::fs::{self, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

/// Writes `bytes` to `path`, in a folder that is made if need be.
pub(crate) fn write(path: &Path, bytes: &(impl AsRef<[u8]> + ?Sized)) -> anyhow::Result<()> {
    Draft::create(path)?.finish_with(bytes.as_ref())
}

/// Removes the file at `path`, if it is there.
pub(crate) fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// A file that gets its name, and takes the place of the one before, when it is whole.
///
/// Whoever writes it after long work makes the draft before: what stands in its way is said then.
pub(crate) struct Draft {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl Draft {
    /// Begins the file at `path`, in a folder that is made if need be. It will be for everybody to read, as far as the
    /// umask lets it.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Draft> {
        let create = || {
            if path.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            tempfile::Builder::new().permissions(Permissions::from_mode(0o644)).tempfile_in(folder)
        };
        let file = create().with_context(|| cannot_write(path))?;
        Ok(Draft { path: path.to_owned(), file: BufWriter::with_capacity(1 << 20, file) })
    }

    /// Writes `bytes`, and gives the file its name.
    pub(crate) fn finish_with(mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.write_all(bytes).with_context(|| cannot_write(&self.path))?;
        self.finish()
    }

    /// Gives the file its name.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let Draft { path, file } = self;
        let persist = || {
            file.into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .persist(&path)
                .map_err(|error| error.error)
        };
        persist().map(drop).with_context(|| cannot_write(&path))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_readable_and_its_folder_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/c");
        for bytes in [&b"one"[..], b"two\xff"] {
            write(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        // What a program gets that asks for this mode: the umask is the process's.
        let plain = dir.path().join("plain");
        fs::write(&plain, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), mode(&plain) & 0o644);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_there_stays_until_the_new_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, "old").unwrap();
        let mut draft = Draft::create(&path).unwrap();
        draft.write_all(b"ne").unwrap();
        drop(draft);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_stands_in_the_way_is_said_at_once() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("file"), "").unwrap();
        for path in [dir.path().to_owned(), dir.path().join("file/inside")] {
            let error = Draft::create(&path).map(drop).unwrap_err();
            assert_eq!(error.to_string(), format!("cannot write {}", path.display()));
        }
    }

    #[test]
    fn removing_what_is_not_there_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, "old").unwrap();
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
        let error = remove(dir.path()).unwrap_err().to_string();
        assert_eq!(error, format!("cannot remove {}", dir.path().display()));
    }
}
