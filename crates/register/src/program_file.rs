//! A program as a file that can be executed: in memory, or where that cannot be, on disk.

use std::fs::{DirBuilder, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::MemfdFlags;
use rustix::io::Errno;

/// An executable file, which is there as long as this value is.
#[derive(Debug)]
pub(crate) enum ProgramFile {
    /// A file without a name. Children inherit it, so that an interpreter can open it as `/proc/self/fd/N`.
    Memory(File),
    /// The file `program` in a folder of its own.
    Disk(TemporaryFolder),
}

impl ProgramFile {
    /// Puts a program into memory.
    ///
    /// # Errors
    /// If this kernel has no such files, or refuses to make one that can be executed (`vm.memfd_noexec`).
    pub(crate) fn in_memory(program: &[u8]) -> io::Result<ProgramFile> {
        let name = c"qus-check";
        // Kernels before 6.3 do not know EXEC, and need not.
        let fd = match rustix::fs::memfd_create(name, MemfdFlags::EXEC) {
            Err(Errno::INVAL) => rustix::fs::memfd_create(name, MemfdFlags::empty()),
            other => other,
        }?;
        let mut file = File::from(fd);
        file.write_all(program)?;
        file.set_permissions(PermissionsExt::from_mode(0o755))?;
        Ok(ProgramFile::Memory(file))
    }

    /// Puts a program into a new folder in `parent`.
    ///
    /// # Errors
    /// If it cannot be written there.
    pub(crate) fn on_disk(program: &[u8], parent: &Path) -> io::Result<ProgramFile> {
        let folder = TemporaryFolder::new(parent)?;
        let mut options = File::options();
        let mut file = options.write(true).create_new(true).mode(0o755).open(folder.program())?;
        file.write_all(program)?;
        Ok(ProgramFile::Disk(folder))
    }

    /// The path to execute.
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            ProgramFile::Memory(file) => PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())),
            ProgramFile::Disk(folder) => folder.program(),
        }
    }
}

/// A folder that only its owner can enter, and that goes away with this value.
#[derive(Debug)]
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Nobody can have made it before: mkdir(2) takes no name that is taken, not even a link's, and the name is random, so that
    /// nobody can take them all.
    fn new(parent: &Path) -> io::Result<TemporaryFolder> {
        loop {
            // A hasher's keys are the kernel's random bytes.
            let random = RandomState::new().build_hasher().finish();
            let path = parent.join(format!("qus-check-{random:016x}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(TemporaryFolder(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn program(&self) -> PathBuf {
        self.0.join("program")
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(self.program());
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_on_disk_have_names_of_their_own_and_go_away() {
        let parent = tempfile::tempdir().unwrap();
        let count = || std::fs::read_dir(parent.path()).unwrap().count();
        let files = [(); 2].map(|()| ProgramFile::on_disk(b"program", parent.path()).unwrap());
        assert_ne!(files[0].path(), files[1].path());
        let path = files[0].path();
        assert_eq!(std::fs::read(&path).unwrap(), b"program");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o755, 0o700));
        assert_eq!(count(), 2);
        drop(files);
        assert_eq!(count(), 0);
        let error = ProgramFile::on_disk(b"program", &parent.path().join("missing")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
