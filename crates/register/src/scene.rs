//! The things that a request is carried out with: this machine, its kernel and its binfmt_misc.

use std::path::Path;

use binfmt::mount::{self, State};
use binfmt::{BinfmtMisc, Kernel, in_initial_pid_namespace, in_initial_user_namespace};

use crate::args::Action;
use crate::machine::Machine;
use crate::output::Output;
use crate::request::Request;
use crate::trouble::Trouble;

/// A request, and where it is carried out.
pub(crate) struct Scene {
    pub(crate) request: Request,
    pub(crate) machine: Machine,
    pub(crate) kernel: Option<Kernel>,
}

impl Scene {
    pub(crate) fn new(request: Request) -> Scene {
        let here = Machine::here();
        let machine = match &request.host_arch {
            Some(name) if matches!(request.action, Some(Action::Export(_))) => Machine::named(name),
            // Whatever it is called, it cannot do without its own architecture.
            Some(name) => Machine::named(name).and(&here),
            None => here,
        };
        Scene { request, machine, kernel: Kernel::running() }
    }

    /// Opens binfmt_misc; mounts it if need be.
    pub(crate) fn open(&self) -> Result<BinfmtMisc, Trouble> {
        Ok(BinfmtMisc::open(self.request.mount.as_deref())?)
    }

    /// The binfmt_misc that is mounted, if one is; nothing is mounted for this.
    pub(crate) fn mounted(&self) -> Option<BinfmtMisc> {
        let dir = self.request.mount.as_deref();
        let state = mount::state(dir.unwrap_or(Path::new(mount::DEFAULT)));
        let is_mounted =
            matches!(state, Ok(State::Mounted { .. })) || (dir.is_none() && !mount::mounts().is_empty());
        if is_mounted { BinfmtMisc::open(dir).ok() } else { None }
    }

    /// Where entries will not last as long as the machine runs: worth knowing before one relies on them.
    pub(crate) fn tell_lifetime(&self, misc: &BinfmtMisc, output: &mut Output<'_>) {
        let ends_with_its_mount = self.kernel.is_none_or(|kernel| kernel >= Kernel::OWN_INSTANCES);
        if misc.is_new_instance() && ends_with_its_mount && !in_initial_pid_namespace() {
            output.warning(format_args!(
                "binfmt_misc was not mounted on this machine, and is now mounted at {} in this container only; since \
                 Linux 6.7 all entries vanish with its last mount, that is, with this container",
                misc.dir().display()
            ));
            output.hint(
                "mount it on the machine first: mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc",
            );
        }
        if !in_initial_user_namespace() {
            output.note(
                "this is a user namespace with a binfmt_misc of its own: the entries hold inside it, and vanish with it",
            );
        }
    }
}
