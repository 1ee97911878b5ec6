//! `run --install DIR`: copies this program and its QEMUs, for containers and machines that have neither.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use files::{Draft, Options};

use crate::check::Check;
use crate::emulators::Emulators;

/// Copies this program's file to `dir`, and each QEMU that lies outside of it to `dir/bin`, under the names by which the copy finds
/// them. What is copied, in order.
///
/// # Errors
/// The first that cannot be copied. No file is half-written.
pub fn install(dir: &Path, emulators: &Emulators) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let own = Path::new("/proc/self/exe");
    let name = fs::read_link(own).ok().and_then(|path| Some(path.file_name()?.to_owned()));
    let program = dir.join(name.unwrap_or_else(|| "run".into()));
    let bin = dir.join("bin");
    let mut copies = vec![(own.to_owned(), program)];
    for (target, path) in Check::targets(emulators) {
        if let Some(path) = path.filter(|_| target.binary() == target) {
            copies.push((path, bin.join(format!("qemu-{target}-static"))));
        }
    }
    let copy = |from: &Path, to: &Path| -> io::Result<()> {
        let mut draft = Draft::create_with(to, Options { mode: 0o755, ..Options::default() })
            .map_err(files::Error::into_io)?;
        io::copy(&mut File::open(from)?, &mut draft)?;
        draft.finish().map_err(files::Error::into_io)
    };
    let mut made = Vec::new();
    for (from, to) in copies {
        copy(&from, &to).map_err(|error| (to.clone(), error))?;
        made.push(to);
    }
    Ok(made)
}
