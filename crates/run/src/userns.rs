//! The mode `userns`: a binfmt_misc of one's own, which since Linux 6.7 every user namespace can have.

use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use arch::Target;
use binfmt::{BinfmtMisc, Entry, Error, Flags};
use rustix::mount::MountFlags;
use rustix::thread::UnshareFlags;

use crate::emulators::Emulators;
use crate::place;

/// Moves this process into namespaces of its own, where every QEMU that is there is registered.
///
/// # Errors
/// The kernel's. The process may be in the namespaces already.
pub(crate) fn enter(emulators: &Emulators) -> Result<(), String> {
    let message = |(what, error): (String, io::Error)| format!("{what}: {error}");
    let own = place::ids();
    // The table belongs to the namespace's root, whom there has to be.
    place::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS, (0, 0)).map_err(message)?;
    // The machine's own may be there already, in which nothing can be registered: a new one goes over it.
    let dir = Path::new(binfmt::mount::DEFAULT);
    rustix::mount::mount("none", dir, "binfmt_misc", MountFlags::empty(), None)
        .map_err(|errno| message((format!("cannot mount binfmt_misc at {}", dir.display()), errno.into())))?;
    let register = || -> Result<(), Error> {
        let Some(misc) = BinfmtMisc::mounted(Some(dir))? else { return Ok(()) };
        for (target, program) in emulators.of_foreign(Target::all()) {
            let path = program.path.clone();
            // The kernel opens it now (F), and needs no path later.
            let path =
                path.unwrap_or_else(|| PathBuf::from(format!("/proc/self/fd/{}", program.file.as_raw_fd())));
            let magic = target.magic();
            let flags = Flags::PRESERVE_ARGV0 | Flags::FIX_BINARY;
            let name = format!("qemu-{target}");
            let entry = Entry::new(&name, (magic.value(), magic.mask()), &path, flags)
                .map_err(|source| Error::Invalid { name, source })?;
            misc.register(&entry)?;
        }
        Ok(())
    };
    register().map_err(|error| error.to_string())?;
    // A user who is not root does not become it. The table holds in the namespaces below its own.
    if own == (0, 0) { Ok(()) } else { place::unshare(UnshareFlags::NEWUSER, own).map_err(message) }
}
