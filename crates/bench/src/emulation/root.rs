//! The programs of a target: unpacked packages of one suite, with all that they depend on. None of their scripts has run.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use arch::Host;
use testbed::{Package, Packages, Tree};

/// The packages that works are of.
const NAMES: &str =
    "bash coreutils gcc git libstb-dev nodejs openssl perl-base python3-minimal xz-utils zstd";

pub(super) struct Root {
    tree: Tree,
    /// The folder with its libraries and the loader, and the loader's name.
    loader: (PathBuf, OsString),
}

impl Root {
    pub(super) fn new(packages: &Packages, host: Host, suite: &str) -> anyhow::Result<Root> {
        let name = format!("bench-emulation-{}", host.debian());
        let tree = tree(packages, &name, host, suite, NAMES)?;
        let loader = loader(tree.path())?;
        Ok(Root { tree, loader })
    }

    pub(super) fn path(&self) -> &Path {
        self.tree.path()
    }

    /// The command line of a program in it. Natively, it is the root's loader that finds the root's libraries; and where the path
    /// that programs have is an absolute link to it, as amd64's and ppc64el's are, that leads to the machine's own.
    pub(super) fn program(&self, program: &Path, is_native: bool) -> anyhow::Result<Vec<String>> {
        match is_native || self.has_link() {
            true => loaded(&self.loader, program),
            false => Ok(vec![text(program)?]),
        }
    }

    fn has_link(&self) -> bool {
        let entries = fs::read_dir(self.path().join("usr/lib64")).into_iter().flatten().flatten();
        entries.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target.is_absolute())
    }

    /// A program by its name: one in `usr/bin`, or the C compiler itself, whose driver would start it through the kernel.
    pub(super) fn find(&self, name: &str) -> anyhow::Result<PathBuf> {
        if name != "cc1" {
            return Ok(self.path().join("usr/bin").join(name));
        }
        // `usr/libexec/gcc/riscv64-linux-gnu/14`, or `usr/lib/…` in older suites. The other one has no such program.
        let tops = ["usr/libexec/gcc", "usr/lib/gcc"].map(|top| self.path().join(top));
        let versions = tops.iter().flat_map(|top| below(top)).flat_map(|folder| below(&folder));
        let mut programs = versions.map(|folder| folder.join(name)).filter(|program| program.is_file());
        programs.next().with_context(|| format!("{} has no cc1", self.path().display()))
    }
}

/// The command line of a dynamic QEMU, which needs libraries that this machine may not have.
pub(super) fn dynamic_qemu(tree: &Tree, name: &str) -> anyhow::Result<Vec<String>> {
    loaded(&loader(tree.path())?, &tree.path().join("usr/bin").join(name))
}

/// Packages of a suite and all that they depend on, in one tree.
pub(super) fn tree(
    packages: &Packages,
    name: &str,
    host: Host,
    suite: &str,
    names: &str,
) -> anyhow::Result<Tree> {
    let closure = packages.relations(suite, host)?.closure(&names.split_whitespace().collect::<Vec<_>>())?;
    let all: Vec<Package> = closure.iter().map(|name| Package::new(suite, host, name)).collect();
    Ok(packages.tree(name, &all)?)
}

fn loaded((folder, loader): &(PathBuf, OsString), program: &Path) -> anyhow::Result<Vec<String>> {
    Ok(vec![text(&folder.join(loader))?, "--library-path".to_owned(), text(folder)?, text(program)?])
}

pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("the path {} is no text", path.display()))
}

fn below(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The folder in `usr/lib` that has the loader, `ld64.so.2` or `ld-linux-x86-64.so.2`.
fn loader(root: &Path) -> anyhow::Result<(PathBuf, OsString)> {
    let lib = root.join("usr/lib");
    for folder in below(&lib).into_iter().filter(|folder| folder.to_string_lossy().contains("-linux-gnu")) {
        let is_loader = |name: &OsString| {
            let name = name.to_string_lossy();
            name.starts_with("ld") && name.contains(".so.")
        };
        let names = below(&folder).into_iter().filter_map(|path| path.file_name().map(ToOwned::to_owned));
        if let Some(loader) = names.into_iter().find(is_loader) {
            return Ok((folder, loader));
        }
    }
    anyhow::bail!("{} has no loader", lib.display())
}
