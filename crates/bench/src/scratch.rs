//! A place of the benchmarks' own: a cache that has the packages and nothing made from them, and outputs that go away.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use arch::Host;
use debian::Progress;
use debian::lock::{Lock, Package, Role};

use crate::child::{self, Run};
use base::LockFile;
use builder::build::fetch_packages;
use builder::{Site, cross};

/// The place; everything in it goes when it is dropped. If the process is killed before, the next one removes it.
pub(crate) struct Scratch {
    // In the order in which they are let go.
    dir: tempfile::TempDir,
    _lock: LockFile,
    program: PathBuf,
}

impl Scratch {
    /// Makes the place below `target`, with hard links to `lock`'s packages in the user's cache, which are fetched if need be, and
    /// to its `register`, which must be there.
    pub(crate) fn new(site: &Site, lock: &Lock, progress: &dyn Progress) -> anyhow::Result<Scratch> {
        let Site { workspace, cache_dir, .. } = site;
        let target = workspace.join("target");
        fs::create_dir_all(&target)?;
        let (dir, lock_file) = place(&target)
            .with_context(|| format!("cannot make a folder for benchmarks in {}", target.display()))?;
        let scratch = Scratch { dir, _lock: lock_file, program: std::env::current_exe()? };
        // A busybox goes beside `register` alone.
        let used = |package: &&Package| package.role != Role::Busybox || package.host.has_register();
        let newest = lock.newest();
        let packages = || newest.packages().iter().filter(used);
        fetch_packages(site, lock, packages(), progress)?;
        for package in packages() {
            let file = Path::new("sha256").join(package.digest.hex());
            link(&cache_dir.join(&file), &scratch.cache().join(&file))?;
        }
        let register = cross::folder(workspace, cache_dir)?;
        let name = register.strip_prefix(cache_dir)?;
        for entry in fs::read_dir(&register).with_context(|| format!("cannot read {}", register.display()))? {
            let entry = entry?;
            link(&entry.path(), &scratch.cache().join(name).join(entry.file_name()))?;
        }
        Ok(scratch)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.path("cache")
    }

    /// The folder that `images` writes to.
    pub(crate) fn layout(&self) -> PathBuf {
        self.path("images")
    }

    /// Removes everything that was made from the packages.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        for made in ["cache/layers", "cache/blobs", "images", "release"] {
            let path = self.path(made);
            if path.exists() {
                fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// This program again, on the scratch folder's cache and without the network.
    pub(crate) fn command(&self, name: &str, output: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(name).arg("--offline").arg("--cache-dir").arg(self.cache()).args(output);
        command.env_remove("QUS_TRACE");
        command
    }

    /// `images`, all of them.
    pub(crate) fn images(&self) -> Command {
        let mut command = self.command("images", &["--output"]);
        command.arg(self.layout());
        command
    }

    /// `images` for the two images whose sizes have targets, as a release has them: in `form`, at the best level.
    pub(crate) fn released(&self, form: &str, output: &Path) -> Command {
        let mut command =
            self.command("images", &["--host", "amd64", "--kind", "full", "--target", "aarch64"]);
        command.arg("--output").arg(output).args(["--compression", form, "--level", "best"]);
        command
    }

    /// `images` for every host, at the level that a push takes.
    pub(crate) fn as_pushed(&self) -> Command {
        let mut command = self.images();
        command.args(["--level", "best"]);
        command
    }

    /// Everything that a release has, the images and the tarballs, at the level of the shell flow.
    pub(crate) fn everything(&self) -> anyhow::Result<Run> {
        let images = child::run(&mut self.images(), "images")?;
        let mut release = self.command("release", &["--level", "quick", "--layout"]);
        release.arg(self.layout()).arg("--output").arg(self.path("release"));
        Ok(images.then(&child::run(&mut release, "release")?))
    }
}

/// The folder `bench` in `target`, empty, and the lock that says that it is in use.
fn place(target: &Path) -> anyhow::Result<(tempfile::TempDir, LockFile)> {
    let held = LockFile::from(File::create(target.join("bench.lock"))?);
    held.try_lock().context("another benchmark is running")?;
    let left = target.join("bench");
    if left.exists() {
        fs::remove_dir_all(left)?;
    }
    Ok((tempfile::Builder::new().prefix("bench").rand_bytes(0).tempdir_in(target)?, held))
}

fn link(from: &Path, to: &Path) -> anyhow::Result<()> {
    let folder = to.parent().context("a file has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // Another file system has no links to this one.
    fs::hard_link(from, to)
        .or_else(|_| fs::copy(from, to).map(drop))
        .with_context(|| format!("cannot use {} of the cache", from.display()))
}

/// The hosts with a `register`.
pub(crate) fn with_register(lock: &Lock) -> Vec<Host> {
    lock.hosts().into_iter().filter(|host| host.has_register()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_is_in_use_stays() {
        let target = tempfile::tempdir().unwrap();
        let at = |name: &str| target.path().join(name);
        for name in ["bench", "benches"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("layer"), "gigabytes").unwrap();
        }
        let (dir, held) = place(target.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(place(target.path()).unwrap_err().to_string(), "another benchmark is running");
        assert!(at("bench").exists());
        drop((dir, held));
        assert!(!at("bench").exists() && at("benches").exists());
    }
}
