//! The QEMU binaries in a folder: which suffix they have, and which versions they are.

use std::path::{Path, PathBuf};

use arch::Target;

use crate::interpreter::{Finder, Version, version_of};
use crate::want::entry_name;

/// A folder of binaries called `qemu-TARGET`, with or without `-static`.
pub(crate) struct Inventory {
    dir: PathBuf,
}

impl Inventory {
    pub(crate) fn new(dir: PathBuf) -> Inventory {
        Inventory { dir }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The suffix that most of them have.
    pub(crate) fn suffix(&self) -> &'static str {
        let Ok(files) = std::fs::read_dir(&self.dir) else { return "" };
        let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        let (with, without) =
            names.filter(|name| name.starts_with("qemu-")).fold((0, 0), |(with, without), name| {
                if name.ends_with("-static") { (with + 1, without) } else { (with, without + 1) }
            });
        if with > without { "-static" } else { "" }
    }

    /// Their versions, the newest first, each once. Debian's packages for 32-bit hosts can be older for some targets.
    pub(crate) fn versions(&self) -> Vec<Version> {
        let mut finder = Finder::default();
        let mut versions: Vec<Version> = Target::all()
            .flat_map(|target| ["", "-static"].map(|suffix| (target, suffix)))
            .filter_map(|(target, suffix)| {
                let path = self.dir.join(format!("{}{suffix}", entry_name(target)));
                version_of(&path, target, &mut finder)
            })
            .collect();
        versions.sort_by(|one, other| other.cmp(one));
        versions.dedup();
        versions
    }
}
