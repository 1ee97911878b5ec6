//! Programs in files that are in memory alone.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;

use rustix::fs::MemfdFlags;
use rustix::io::Errno;

/// An empty file that may be executed when it is written.
pub(crate) fn program(name: &str, flags: MemfdFlags) -> io::Result<File> {
    // Kernels before 6.3 do not know EXEC, and need not.
    let fd = match rustix::fs::memfd_create(name, flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => rustix::fs::memfd_create(name, flags),
        other => other,
    }?;
    let file = File::from(fd);
    file.set_permissions(PermissionsExt::from_mode(0o755))?;
    Ok(file)
}
