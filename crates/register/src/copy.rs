//! A copy of QEMU with a prelude, in memory, under the path of the original: for the kernel, which keeps the file that it opens for an
//! entry with the flag `F`, and for nobody else.
//!
//! The copy is in a tmpfs that is mounted over the folder in a mount namespace of one thread's own. With the thread both go away,
//! and what the kernel has opened stays as long as its entry. So the entry names the path that it always does; nothing on a disk
//! changes, and a container may be read-only; and the file that is resident is as large as the original, and can be swapped.
//! In a container's own layer it would go away with the container, beneath the kernel.
//!
//! # Safety
//!
//! `unshare` takes something from other threads only where it unshares file descriptors, which is not done here.

#![allow(unsafe_code, reason = "see above")]

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::thread::UnshareFlags;

use crate::cpu;
use crate::error::Error;

/// The tmpfs's options: its root is for everybody to enter, as the folder that it covers.
const OPTIONS: &CStr = c"mode=0755";

/// Fails if no copy can be made of the files in `folder`.
///
/// # Errors
/// If this process may not mount.
pub(crate) fn check(folder: &Path) -> Result<(), Error> {
    in_a_namespace(folder, || Ok(())).map_err(|error| cannot(folder, &error))
}

/// Does `work` where a copy with the CPU model `model` is at `path`, for this work alone.
///
/// # Errors
/// If the copy cannot be made.
pub(crate) fn with<T: Send>(path: &Path, model: &str, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let result = File::open(path).and_then(|mut original| {
        in_a_namespace(folder, || {
            make(&mut original, path, model)?;
            Ok(work())
        })
    });
    result.map_err(|error| cannot(path, &error))
}

fn in_a_namespace<T: Send>(folder: &Path, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, || {
            // SAFETY: see the top of this file.
            unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }?;
            // Other namespaces would see the mount where it is shared with them.
            rustix::mount::mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
            rustix::mount::mount("qus-prelude", folder, "tmpfs", MountFlags::empty(), OPTIONS)?;
            work()
        })?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Makes the copy. The kernel takes no file for an interpreter that is open for writing: it is not after this.
fn make(original: &mut File, path: &Path, model: &str) -> io::Result<()> {
    let unfit = |unfit| io::Error::new(io::ErrorKind::InvalidData, unfit);
    let change = cpu::change(original, model)?.map_err(unfit)?;
    let mut copy = File::create_new(path)?;
    io::copy(original, &mut copy)?;
    copy.write_all_at(&change.head, 0)?;
    copy.write_all_at(&change.segment, change.offset)?;
    copy.set_permissions(original.metadata()?.permissions())?;
    let (made, found) = (copy.metadata()?, path.metadata()?);
    if (made.dev(), made.ino()) == (found.dev(), found.ino()) {
        return Ok(());
    }
    Err(io::Error::other("another file is in its place"))
}

fn cannot(path: &Path, error: &io::Error) -> Error {
    let path = path.display();
    let message = format!("cannot put a copy of QEMU with a CPU model over {path}: {error}");
    let failure = Error::new(message);
    match Errno::from_io_error(error) {
        Some(Errno::PERM | Errno::ACCESS) => failure.hint(
            "mounting needs CAP_SYS_ADMIN: docker run --privileged; or leave out --cpu, and set QEMU_CPU where programs run",
        ),
        Some(Errno::NOSPC | Errno::NOMEM) => failure.hint(
            "the copy is in memory: name fewer targets, or leave out --cpu, and set QEMU_CPU where programs run",
        ),
        _ => failure.hint("leave out --cpu, and set QEMU_CPU where programs run"),
    }
}
