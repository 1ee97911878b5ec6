//! The least that a build can take: every package decoded, every binary compressed, and nothing else.
//!
//! Packages are decoded by Debian's `xz -dc`, which is what anybody has. What is decoded is not hashed, what is compressed is not
//! written. Threads, as many as there are cores, take binaries first and packages, the longest first, when there is no binary: so
//! no core is idle and little is in memory.

use std::collections::VecDeque;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};
use std::thread;

use anyhow::Context as _;
use arch::{Status, Target};
use base::{lock, wait};
use debian::lock::Lock;
use oci::{Level, Member};

use crate::xz::Xz;

/// A .deb with what is taken out of it.
struct Package {
    path: PathBuf,
    size: u64,
    targets: Vec<Target>,
}

impl Package {
    /// True if the file at `path`, from the root, is one of its binaries.
    fn has(&self, path: &str) -> bool {
        let name = path.strip_prefix("usr/bin/qemu-").unwrap_or_default();
        let name = name.strip_suffix("-static").unwrap_or(name);
        self.targets.iter().any(|target| target.name() == name)
    }
}

#[derive(Default)]
struct Work {
    packages: Vec<Package>,
    binaries: VecDeque<Vec<u8>>,
    decoding: usize,
    failed: bool,
    compressed: u64,
}

/// Decodes and compresses all that the lock's images hold, with the `xz` of a tree; returns the compressed size.
pub fn run(lock: &Lock, cache: &Path, xz: &Path) -> anyhow::Result<u64> {
    let mut packages: Vec<Package> = lock
        .hosts()
        .into_iter()
        .flat_map(|host| lock.qemu(host))
        .map(|package| Package {
            path: cache.join("sha256").join(package.digest.hex()),
            size: package.size,
            targets: package.targets().filter(|target| target.status() == Status::Current).collect(),
        })
        .filter(|package| !package.targets.is_empty())
        .collect();
    // Taken from the end.
    packages.sort_by_key(|package| package.size);
    compress(packages, &Xz::find(xz)?)
}

fn compress(packages: Vec<Package>, xz: &Xz) -> anyhow::Result<u64> {
    let work = Mutex::new(Work { packages, ..Work::default() });
    let changed = Condvar::new();
    let cores = thread::available_parallelism()?.get();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| take(xz, &work, &changed))).collect();
        let results: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread panicked"))))
            .collect();
        results.into_iter().collect::<anyhow::Result<()>>()
    })?;
    Ok(lock(&work).compressed)
}

/// Does what there is to do until there is nothing any more.
fn take(xz: &Xz, work: &Mutex<Work>, changed: &Condvar) -> anyhow::Result<()> {
    let mut state = lock(work);
    loop {
        if state.failed {
            return Ok(());
        }
        if let Some(binary) = state.binaries.pop_front() {
            drop(state);
            let size = Member::compress(&binary, Level::DEFAULT).bytes().len() as u64;
            state = lock(work);
            state.compressed += size;
        } else if let Some(package) = state.packages.pop() {
            state.decoding += 1;
            drop(state);
            let found = &mut |binary| {
                lock(work).binaries.push_back(binary);
                changed.notify_one();
            };
            let result = decode(xz, &package, found);
            state = lock(work);
            state.decoding -= 1;
            state.failed |= result.is_err();
            changed.notify_all();
            result?;
        } else if state.decoding == 0 {
            return Ok(());
        } else {
            state = wait(changed, state);
        }
    }
}

/// Calls `found` for each binary of a package.
fn decode(xz: &Xz, package: &Package, found: &mut dyn FnMut(Vec<u8>)) -> anyhow::Result<()> {
    xz.decode(&package.path, |data| {
        for entry in tar::Archive::new(data).entries()? {
            let mut entry = entry?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let path = path.strip_prefix("./").unwrap_or(&path);
            if entry.header().entry_type().is_file() && package.has(path) {
                let mut binary = Vec::with_capacity(usize::try_from(entry.size())?);
                entry.read_to_end(&mut binary)?;
                found(binary);
            }
        }
        Ok(())
    })
    .with_context(|| format!("cannot read {}", package.path.display()))
}

#[cfg(test)]
mod tests {
    use debian::testing::Deb;
    use testbed::Packages;

    use super::*;
    use crate::xz;

    /// A package with two binaries and a link, and what else is not to be compressed.
    fn package(folder: &Path) -> Package {
        let code = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let deb = Deb::new("qemu-user", "1", "amd64")
            .file("./usr/bin/qemu-arm", &code[..300_000])
            .file("./usr/bin/qemu-aarch64-static", &code[..1_000_001])
            .file("./usr/bin/qemu-cris", b"retired")
            .link("./usr/bin/qemu-arm64", "qemu-aarch64");
        let path = folder.join("deb");
        std::fs::write(&path, deb.build()).unwrap();
        Package { path, size: 1, targets: ["aarch64", "arm"].map(|name| name.parse().unwrap()).into() }
    }

    #[test]
    fn every_binary_is_found_and_nothing_else() {
        let keyrings = concat!(env!("CARGO_MANIFEST_DIR"), "/../../images/keyrings");
        let Some(packages) = Packages::for_test("every_binary_is_found", keyrings) else { return };
        let tree = xz::tree(&packages).unwrap();
        let xz = Xz::find(tree.path()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut binaries = Vec::new();
        decode(&xz, &package(dir.path()), &mut |binary| binaries.push(binary)).unwrap();
        let code = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(binaries == [&code[..300_000], &code[..1_000_001]]);
        let members = binaries.iter().map(|binary| Member::compress(binary, Level::DEFAULT));
        let expected: usize = members.map(|member| member.bytes().len()).sum();
        assert_eq!(compress(vec![package(dir.path())], &xz).unwrap(), expected as u64);

        // What is no xz any more at its end is not taken for the whole.
        let broken = package(dir.path());
        let mut bytes = std::fs::read(&broken.path).unwrap();
        let end = bytes.len() - 12;
        bytes[end..].fill(0);
        std::fs::write(&broken.path, bytes).unwrap();
        let error = decode(&xz, &broken, &mut |_| ()).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            format!("cannot read {}: `xz -dc` failed (exit status: 1)", broken.path.display())
        );
    }
}
