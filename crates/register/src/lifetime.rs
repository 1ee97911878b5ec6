//! The lifetime of entries. The kernel keeps them as long as binfmt_misc is mounted somewhere (Linux 6.7, and older ones that have
//! taken this over); where nothing but a container mounts it, they vanish with the container, and those who rely on them find
//! out later.

use binfmt::{BinfmtMisc, in_initial_user_namespace};

use crate::error::Error;
use crate::output::Output;
use crate::request::Request;

/// Opens binfmt_misc to register in it, and mounts it if need be.
///
/// # Errors
/// If it cannot be had, or if the entries would not last and no option says that they need not.
pub(crate) fn open(request: &Request, output: &mut Output<'_>) -> Result<BinfmtMisc, Error> {
    let misc = BinfmtMisc::open(request.mount.as_deref())?;
    match judge(&misc, request, output) {
        Ok(()) => Ok(misc),
        Err(error) => {
            misc.unmount();
            Err(error)
        }
    }
}

/// Fails if nothing can be registered in `misc`, or if it would not last and the request does not say that it need not.
pub(crate) fn judge(misc: &BinfmtMisc, request: &Request, output: &mut Output<'_>) -> Result<(), Error> {
    let own = in_initial_user_namespace();
    let lasts = misc.lasts();
    if !lasts && !request.ephemeral {
        return Err(vanishes(misc, own));
    }
    misc.check_writable()?;
    if !lasts {
        output.warning(format_args!(
            "binfmt_misc is mounted at {} in this container only: all entries vanish with it",
            misc.dir().display()
        ));
    }
    if !own {
        output.note(
            "this is a user namespace with a binfmt_misc of its own: the entries hold inside it, and vanish with it",
        );
    }
    Ok(())
}

fn vanishes(misc: &BinfmtMisc, initial_user_namespace: bool) -> Error {
    Error::new(format_args!(
        "binfmt_misc is not mounted on this machine; mounted at {} in this container only, it would take all entries with it \
         when the container ends",
        misc.dir().display()
    ))
    .hint(hint(initial_user_namespace))
}

fn hint(initial_user_namespace: bool) -> &'static str {
    if initial_user_namespace {
        "mount it on the machine first: mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc; --ephemeral registers for \
         as long as this container runs"
    } else {
        "this is a user namespace (rootless container?): to serve the whole machine, run as real root; --ephemeral registers \
         for as long as this container runs"
    }
}
