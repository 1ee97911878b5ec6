//! QEMU's binaries: where they are looked for, and what they have to be.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use arch::{Host, Target};
use exec::Trailer;
use qemu::Tables;
use rustix::fs::MemfdFlags;
use watch::{FileId, Program};

use crate::memory;

/// The folders where images and packages have them.
const USUAL: [&str; 2] = ["/qus/bin", "/usr/bin"];

/// The places where they may be.
#[derive(Debug)]
pub struct Emulators {
    /// This program's own file, with a QEMU in it.
    inside: Option<(File, Trailer)>,
    dirs: Vec<PathBuf>,
    open: RefCell<BTreeMap<Target, Rc<Program>>>,
}

/// No QEMU for a target that would do.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// There is none at all.
    #[error("no QEMU for {0}")]
    None(Target),
    /// One that needs a dynamic loader, which the program's root need not have.
    #[error("{} is not static", .0.display())]
    Dynamic(PathBuf),
    /// One that cannot be used.
    #[error("cannot open {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The one in this program's file.
    #[error("cannot take the QEMU out of this program's file: {0}")]
    Inside(io::Error),
}

impl Emulators {
    /// Looks into this program's own file, and remembers the folders to look into: the one given first, this program's own and its
    /// `bin`, and the usual ones.
    ///
    /// # Errors
    /// If the file ends like one with a QEMU in it and is damaged.
    pub fn new(given: Option<&Path>) -> Result<Emulators, Missing> {
        let own = std::env::current_exe().ok();
        // The link leads to the file even where its path does not.
        let inside = match File::open("/proc/self/exe") {
            Ok(file) => read_trailer(&file).map_err(Missing::Inside)?.map(|trailer| (file, trailer)),
            Err(_) => None,
        };
        let folder = own.as_deref().and_then(Path::parent);
        let mut dirs: Vec<PathBuf> = given.map(Path::to_owned).into_iter().collect();
        // A path that the child's working directory would change.
        dirs.iter_mut().for_each(|dir| *dir = std::path::absolute(&*dir).unwrap_or_else(|_| dir.clone()));
        dirs.extend(folder.into_iter().flat_map(|folder| [folder.to_owned(), folder.join("bin")]));
        dirs.extend(USUAL.map(PathBuf::from));
        let mut seen = Vec::new();
        dirs.retain(|dir| {
            let is_new = !seen.contains(dir);
            seen.push(dir.clone());
            is_new
        });
        Ok(Emulators { inside, dirs, open: RefCell::default() })
    }

    /// The folders, for people.
    pub fn places(&self) -> String {
        let dirs: Vec<String> = self.dirs.iter().map(|dir| dir.display().to_string()).collect();
        dirs.join(", ")
    }

    /// Those of `targets` that there is a QEMU for, with it.
    pub fn of(&self, targets: impl Iterator<Item = Target>) -> impl Iterator<Item = (Target, Rc<Program>)> {
        targets.filter_map(|target| Some((target, self.get(target).ok()?)))
    }

    /// The same, without those of this machine's own family.
    pub fn of_foreign(
        &self,
        targets: impl Iterator<Item = Target>,
    ) -> impl Iterator<Item = (Target, Rc<Program>)> {
        let own = Host::native().ok().map(|host| host.target().family());
        self.of(targets.filter(move |target| own != Some(target.family())))
    }

    /// The QEMU of a target, open.
    ///
    /// # Errors
    /// If there is none that would do.
    pub fn get(&self, target: Target) -> Result<Rc<Program>, Missing> {
        let target = target.binary();
        if let Some(program) = self.open.borrow().get(&target) {
            return Ok(Rc::clone(program));
        }
        let program = Rc::new(self.find(target)?);
        self.open.borrow_mut().insert(target, Rc::clone(&program));
        Ok(program)
    }

    fn find(&self, target: Target) -> Result<Program, Missing> {
        if let Some((file, trailer)) = self.inside.as_ref().filter(|(_, trailer)| trailer.target == target) {
            let file = extract(file, trailer).map_err(Missing::Inside)?;
            let id = FileId::of(file.as_fd()).map_err(|errno| Missing::Inside(errno.into()))?;
            return Ok(Program { file, id, path: None });
        }
        let names = [format!("qemu-{target}-static"), format!("qemu-{target}")];
        let mut problem = None;
        for path in self.dirs.iter().flat_map(|dir| names.iter().map(|name| dir.join(name))) {
            match open(&path) {
                Ok(Some(program)) => return Ok(program),
                Ok(None) => {}
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        Err(problem.unwrap_or(Missing::None(target)))
    }
}

/// The trailer of a file that has one.
fn read_trailer(file: &File) -> io::Result<Option<Trailer>> {
    let size = file.metadata()?.len();
    let mut end = [0; Trailer::SIZE];
    let Some(at) = size.checked_sub(Trailer::SIZE as u64) else { return Ok(None) };
    file.read_exact_at(&mut end, at)?;
    Trailer::parse(&end, size).map_err(io::Error::other)
}

/// Copies a QEMU into memory: as a part of another file, the kernel could not execute it.
fn extract(file: &File, trailer: &Trailer) -> io::Result<File> {
    let mut memory = memory::program(&format!("qemu-{}", trailer.target), MemfdFlags::CLOEXEC)?;
    let mut source = file.try_clone()?;
    source.seek(SeekFrom::Start(trailer.offset))?;
    let copied = io::copy(&mut source.take(trailer.length), &mut memory)?;
    if copied != trailer.length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    memory.flush()?;
    // A file that is open for writing cannot be executed (ETXTBSY).
    File::open(format!("/proc/self/fd/{}", memory.as_raw_fd()))
}

/// The QEMU at `path`, if there is anything.
fn open(path: &Path) -> Result<Option<Program>, Missing> {
    let fail = |source: io::Error| Missing::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(fail(error)),
    };
    let metadata = file.metadata().map_err(fail)?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Ok(None);
    }
    if has_loader(&file).map_err(fail)? {
        return Err(Missing::Dynamic(path.to_owned()));
    }
    let id = FileId::of(file.as_fd()).map_err(|errno| fail(errno.into()))?;
    Ok(Some(Program { file, id, path: Some(path.to_owned()) }))
}

/// True if an ELF program names a dynamic loader. What is none has no answer.
fn has_loader(file: &File) -> io::Result<bool> {
    Tables::read(file)?.ok_or(io::ErrorKind::InvalidData)?.has_loader(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Target {
        name.parse().unwrap()
    }

    /// A folder with programs of this machine under these names.
    fn folder(names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let program = arch::program::elf(arch::Host::native().unwrap().target()).unwrap();
        for name in names {
            std::fs::write(dir.path().join(name), &program).unwrap();
            std::fs::set_permissions(dir.path().join(name), PermissionsExt::from_mode(0o755)).unwrap();
        }
        dir
    }

    #[test]
    fn the_first_name_and_the_first_folder_count() {
        let dir = folder(&["qemu-arm", "qemu-arm-static", "qemu-s390x", "qemu-i386"]);
        let emulators = Emulators::new(Some(dir.path())).unwrap();
        let name = |name: &str| {
            let path = emulators.get(target(name)).unwrap().path.clone().unwrap();
            path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(name("arm"), "qemu-arm-static");
        assert_eq!(name("s390x"), "qemu-s390x");
        // Two targets share one.
        assert_eq!(name("i486"), "qemu-i386");
    }

    #[test]
    fn what_is_no_static_program_does_not_count() {
        let dir = folder(&["qemu-arm"]);
        // Not executable, a folder, and a program with a loader.
        std::fs::write(dir.path().join("qemu-alpha-static"), "x").unwrap();
        std::fs::create_dir(dir.path().join("qemu-hppa-static")).unwrap();
        let mut emulators = Emulators::new(Some(dir.path())).unwrap();
        emulators.dirs.truncate(1);
        let message =
            |emulators: &Emulators, name: &str| emulators.get(target(name)).unwrap_err().to_string();
        assert_eq!(message(&emulators, "alpha"), "no QEMU for alpha");
        assert_eq!(message(&emulators, "hppa"), "no QEMU for hppa");
        std::fs::copy("/bin/sh", dir.path().join("qemu-sh4")).unwrap();
        if has_loader(&File::open("/bin/sh").unwrap()).unwrap() {
            let path = dir.path().join("qemu-sh4");
            assert_eq!(message(&emulators, "sh4"), format!("{} is not static", path.display()));
            // A static one elsewhere does.
            let other = folder(&["qemu-sh4"]);
            emulators.dirs.push(other.path().to_owned());
            assert_eq!(emulators.get(target("sh4")).unwrap().path, Some(other.path().join("qemu-sh4")));
        }
    }

    #[test]
    fn a_qemu_comes_out_of_a_file_as_it_went_in() {
        let program = arch::program::elf(target("arm")).unwrap();
        let trailer = Trailer { offset: 5, length: program.len() as u64, target: target("arm") };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        std::fs::write(&path, [b"12345", program.as_slice(), &trailer.to_bytes()].concat()).unwrap();
        let file = File::open(&path).unwrap();
        assert_eq!(read_trailer(&file).unwrap(), Some(trailer));
        let mut bytes = Vec::new();
        extract(&file, &trailer).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, program);
        std::fs::write(&path, trailer.to_bytes()).unwrap();
        let error = read_trailer(&File::open(&path).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), format!("bytes 5 to 5+{} are not within the file", program.len()));
    }
}
