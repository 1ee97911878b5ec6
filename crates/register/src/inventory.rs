//! The QEMU binaries in a folder, called `qemu-TARGET` with or without `-static`: which suffix they have, and which versions
//! they are.

use std::path::Path;

use arch::Target;

use crate::interpreter::{Finder, Version, version_of};
use crate::want::entry_name;

/// The suffix that most binaries in a folder have.
pub(crate) fn suffix(dir: &Path) -> &'static str {
    let Ok(files) = std::fs::read_dir(dir) else { return "" };
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let (with, without): (Vec<_>, Vec<_>) =
        names.filter(|name| name.starts_with("qemu-")).partition(|name| name.ends_with("-static"));
    if with.len() > without.len() { "-static" } else { "" }
}

/// The versions of the binaries in a folder, the newest first, each once. Debian's packages for 32-bit hosts can be older for
/// some targets.
pub(crate) fn versions(dir: &Path) -> Vec<Version> {
    let mut finder = Finder::default();
    let mut versions: Vec<Version> = Target::all()
        .flat_map(|target| ["", "-static"].map(|suffix| (target, suffix)))
        .filter_map(|(target, suffix)| {
            let path = dir.join(format!("{}{suffix}", entry_name(target)));
            version_of(&path, target, &mut finder)
        })
        .collect();
    versions.sort_by(|one, other| other.cmp(one));
    versions.dedup();
    versions
}
