//! The least that a build can take: every package decoded, every binary compressed, and nothing else.
//!
//! What is decoded is not hashed, what is compressed is not written. Threads, as many as there are cores, take binaries
//! first and packages, the longest first, when there is no binary: so no core is idle and little is in memory.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Context as _;
use arch::{Status, Target};
use debian::deb::{self, Kind};
use debian::lock::Lock;
use oci::{Level, Member};

/// More than the largest binary has.
const PROGRAM_LIMIT: u64 = 64 << 20;

/// A .deb with what is taken out of it.
struct Package {
    path: PathBuf,
    size: u64,
    targets: Vec<Target>,
}

#[derive(Default)]
struct Work {
    packages: Vec<Package>,
    binaries: VecDeque<Vec<u8>>,
    decoding: usize,
    failed: bool,
    compressed: u64,
}

/// Decodes and compresses all that the lock's images hold; returns the compressed size.
pub(super) fn run(lock: &Lock, cache: &Path) -> anyhow::Result<u64> {
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
    let work = Mutex::new(Work { packages, ..Work::default() });
    let changed = Condvar::new();
    let cores = thread::available_parallelism()?.get();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| take(&work, &changed))).collect();
        let results: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread panicked"))))
            .collect();
        results.into_iter().collect::<anyhow::Result<()>>()
    })?;
    Ok(lock_of(&work).compressed)
}

/// Does what there is to do until there is nothing any more.
fn take(work: &Mutex<Work>, changed: &Condvar) -> anyhow::Result<()> {
    let mut state = lock_of(work);
    loop {
        if state.failed {
            return Ok(());
        }
        if let Some(binary) = state.binaries.pop_front() {
            drop(state);
            let size = Member::compress(&binary, Level::DEFAULT).bytes().len() as u64;
            state = lock_of(work);
            state.compressed += size;
        } else if let Some(package) = state.packages.pop() {
            state.decoding += 1;
            drop(state);
            let result = decode(&package, work, changed);
            state = lock_of(work);
            state.decoding -= 1;
            state.failed |= result.is_err();
            changed.notify_all();
            result?;
        } else if state.decoding == 0 {
            return Ok(());
        } else {
            state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn decode(package: &Package, work: &Mutex<Work>, changed: &Condvar) -> anyhow::Result<()> {
    let context = || format!("cannot read {}", package.path.display());
    let file = File::open(&package.path).with_context(context)?;
    deb::walk(file, &mut |_, member| -> anyhow::Result<()> {
        let name = member.path.strip_prefix("usr/bin/qemu-").unwrap_or_default();
        let name = name.strip_suffix("-static").unwrap_or(name);
        if member.kind == Kind::File && package.targets.iter().any(|target| target.name() == name) {
            let binary = member.read(PROGRAM_LIMIT)?;
            lock_of(work).binaries.push_back(binary);
            changed.notify_one();
        }
        Ok(())
    })
    .with_context(context)?;
    Ok(())
}

/// A panic is reported where the thread is joined.
fn lock_of(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}
