//! Debian packages, unpacked into a cache instead of installed.
//!
//! An [`Archive`] brings .deb files; [`Packages`] unpacks a list of them into one directory, a [`Tree`], that sandboxes
//! use as a read-only layer. A tree is made once and kept; its name is a digest of what is in it. For a tool that wants a
//! mirror, [`Packages::mirror`] makes a folder that is a part of one.

mod archive;
mod machine;
mod skeleton;
mod unpack;

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use archive::Archive;
use base::LockFile;
use debian::relations::Relations;
use sha256::{Digest, Hasher};

use crate::Error;
use crate::error::SourceError;
use crate::programs::apart;

/// One of Debian's packages: `docker.io` for `amd64` from `sid`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Package {
    /// `sid`, `bookworm`.
    pub suite: String,
    /// Debian's name of the architecture: `amd64`, `armhf`.
    pub architecture: String,
    /// The package's name: `docker.io`.
    pub name: String,
}

impl Package {
    /// `name` for `host` from `suite`.
    pub fn new(suite: &str, host: arch::Host, name: &str) -> Package {
        Package { suite: suite.to_owned(), architecture: host.debian().to_owned(), name: name.to_owned() }
    }

    /// Those with these names, which have space between them.
    pub fn list(suite: &str, host: arch::Host, names: &str) -> Vec<Package> {
        names.split_whitespace().map(|name| Package::new(suite, host, name)).collect()
    }

    /// `name` for the machine that this program was built for, from `suite`.
    ///
    /// # Panics
    ///
    /// On a machine that qus has no images for: there is nothing to test there.
    pub fn native(suite: &str, name: &str) -> Package {
        Package::new(suite, native(), name)
    }

    /// Those with these names, which have space between them, likewise.
    pub fn natives(suite: &str, names: &str) -> Vec<Package> {
        Package::list(suite, native(), names)
    }
}

fn native() -> arch::Host {
    arch::Host::native().unwrap_or_else(|error| panic!("{error}"))
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.suite, self.architecture)
    }
}

/// One .deb that is there.
#[derive(Debug, Clone)]
pub struct Deb {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest; checked while it is unpacked.
    pub digest: Digest,
}

/// A file of an archive.
struct Mirrored {
    /// Its path from the mirror's base.
    path: String,
    contents: Contents,
}

/// The contents of a file of an archive: themselves, or in this file.
enum Contents {
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// A cache of unpacked packages.
pub struct Packages {
    dir: PathBuf,
    archive: Archive,
}

/// A directory with the files of some packages. Nobody writes into it once it is there.
///
/// While the value or a clone of it lives, the tree is not pruned from the cache.
#[derive(Debug, Clone)]
pub struct Tree {
    path: PathBuf,
    // Held shared until the last clone is dropped.
    _lock: Arc<LockFile>,
}

impl Tree {
    /// The directory; laid out as Debian's merged `/usr`: what packages put into `/bin` is in `usr/bin`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the tree as a tar to `file`: a root filesystem for `docker import`.
    pub fn tar(&self, file: &Path) -> Result<(), Error> {
        let create = |cause| Error::File { operation: "create", path: file.to_owned(), cause };
        let mut builder = tar::Builder::new(File::create(file).map_err(create)?);
        self.append(&mut builder)?;
        builder.into_inner().map(drop).map_err(create)
    }

    /// Appends all of the tree to a tar.
    pub fn append<W: std::io::Write>(&self, builder: &mut tar::Builder<W>) -> Result<(), Error> {
        builder.follow_symlinks(false);
        builder.append_dir_all(".", &self.path).map_err(Error::file("pack", &self.path))
    }
}

impl Packages {
    /// Unpacks below `dir`, what `archive` brings. `dir` is made if need be; several processes may share it.
    pub fn new(dir: &Path, archive: Archive) -> Result<Packages, Error> {
        fs::create_dir_all(dir).map_err(Error::file("create", dir))?;
        let dir = dir.canonicalize().map_err(Error::file("open", dir))?;
        // These mean something in overlayfs's options.
        if dir.as_os_str().as_encoded_bytes().iter().any(|byte| b":,\\".contains(byte)) {
            return Err(Error::Layer(dir));
        }
        Ok(Packages { dir, archive })
    }

    /// From Debian's archive, as the machine is set up: cache and mirror as `cargo xtask` chooses them without flags,
    /// and the archive's keys in `keyrings` (`images/keyrings`).
    pub fn of_the_machine(keyrings: &Path) -> Result<Packages, Error> {
        machine::packages(keyrings)
    }

    /// The same for `test`, which goes on only where it can have a sandbox: elsewhere it is skipped ([`crate::ready`]).
    ///
    /// # Panics
    ///
    /// If something else is wrong, and for a skip in CI.
    pub fn for_test(test: &str) -> Option<Packages> {
        let keyrings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images/keyrings");
        let packages = || Packages::of_the_machine(&keyrings).unwrap_or_else(|error| panic!("{error}"));
        crate::ready(test).then(packages)
    }

    /// From Debian's archive at `mirror`, by a fetcher over the cache in `cache_dir`.
    pub fn chosen(
        fetcher: debian::Fetcher,
        mirror: debian::Mirror,
        cache_dir: &Path,
        keyrings: &Path,
    ) -> Result<Packages, Error> {
        machine::chosen(fetcher, mirror, cache_dir, keyrings)
    }

    /// The folder where sandboxes keep what changes.
    pub(crate) fn work(&self) -> Result<PathBuf, Error> {
        let work = self.dir.join("work");
        fs::create_dir_all(&work).map_err(Error::file("create", &work))?;
        Ok(work)
    }

    /// The .debs of `packages` themselves, in their order: for what installs them.
    pub fn debs(&self, packages: &[Package]) -> Result<Vec<Deb>, Error> {
        self.archive.debs(packages).map_err(Error::Source)
    }

    /// The relations between the packages that a suite has for `host`: what else a tree needs. None if the suite is not for it.
    pub fn relations(&self, suite: &str, host: arch::Host) -> Result<Relations, Error> {
        self.archive.relations(suite, host.debian()).map_err(Error::Source)
    }

    /// Puts into `dir` what a mirror has of a suite for `host`, for tools that read mirrors: the signed `InRelease`, the list of
    /// packages, and the .debs of `names`.
    pub fn mirror(&self, suite: &str, host: arch::Host, names: &[&str], dir: &Path) -> Result<(), Error> {
        let files = self.archive.mirrored(suite, host.debian(), names).map_err(Error::Source)?;
        for Mirrored { path, contents } in files {
            let to = dir.join(path);
            let folder = to.parent().unwrap_or(dir);
            fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
            let written = match contents {
                Contents::Bytes(bytes) => fs::write(&to, bytes),
                Contents::File(file) => fs::copy(file, &to).map(drop),
            };
            written.map_err(Error::file("write", &to))?;
        }
        Ok(())
    }

    /// The files of `packages`, in one tree. `name` is for people who look into the cache; older trees of this name
    /// that nobody uses are removed.
    pub fn tree(&self, name: &str, packages: &[Package]) -> Result<Tree, Error> {
        self.tree_of(name, &self.debs(packages)?)
    }

    /// The same of .debs that are there.
    pub fn tree_of(&self, name: &str, debs: &[Deb]) -> Result<Tree, Error> {
        let key = key(debs);
        let path = self.dir.join(format!("{name}-{key}"));
        let lock_path = path.with_added_extension("lock");
        let lock = LockFile::from(File::create(&lock_path).map_err(Error::file("create", &lock_path))?);
        loop {
            // Looked for under the lock that keeps it: before that, another process may prune it.
            lock.lock_shared().map_err(Error::file("lock", &lock_path))?;
            if path.is_dir() {
                return Ok(Tree { path, _lock: Arc::new(lock) });
            }
            lock.lock().map_err(Error::file("lock", &lock_path))?;
            // Another process may have made it while this one waited.
            if !path.is_dir() {
                self.unpack(debs, &path)?;
                self.prune(name, &path);
            }
        }
    }

    /// The sandboxes' own tree: a static busybox, tini, util-linux, and the files that every Debian has.
    pub(crate) fn base(&self) -> Result<Tree, Error> {
        let names = "busybox-static libc6 libpcre2-8-0 libselinux1 tini util-linux";
        self.tree("base", &Package::natives("bookworm", names))
    }

    fn unpack(&self, debs: &[Deb], path: &Path) -> Result<(), Error> {
        // Renamed when complete: a tree is whole or not there.
        let partial = tempfile::Builder::new()
            .prefix("partial-")
            .tempdir_in(&self.dir)
            .map_err(Error::file("create", &self.dir))?;
        skeleton::write(partial.path())?;
        for deb in debs {
            apart(|| unpack::unpack(deb, partial.path()))
                .map_err(|cause| Error::Unpack { deb: deb.path.clone(), cause })?;
        }
        fs::rename(partial.path(), path).map_err(Error::file("create", path))?;
        // It is under another name now: there is nothing left to remove.
        let _ = partial.keep();
        Ok(())
    }

    /// Removes trees called `name` other than `keep` that no process holds. What cannot be removed stays: it is only
    /// space.
    fn prune(&self, name: &str, keep: &Path) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let same = path.file_name().and_then(|file| file.to_str()).and_then(|file| file.rsplit_once('-'));
            if path == keep || !path.is_dir() || same.is_none_or(|(prefix, _)| prefix != name) {
                continue;
            }
            let lock_path = path.with_added_extension("lock");
            if File::open(&lock_path).map(LockFile::from).is_ok_and(|lock| lock.try_lock().is_ok()) {
                let _ = fs::remove_dir_all(&path);
            }
        }
    }
}

/// The name of the tree of `debs`.
fn key(debs: &[Deb]) -> String {
    let mut hasher = Hasher::new();
    hasher.update(skeleton::VERSION);
    for deb in debs {
        hasher.update(deb.digest.hex().as_bytes());
    }
    hasher.finish().hex()[..16].to_owned()
}
