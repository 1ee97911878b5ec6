//! The things that a request is carried out with: this machine, its kernel and its binfmt_misc.

use binfmt::{BinfmtMisc, Kernel};

use crate::args::Action;
use crate::error::Error;
use crate::machine::Machine;
use crate::request::Request;
use crate::trials::Trials;

/// A request, and where it is carried out.
pub(crate) struct Context {
    pub(crate) request: Request,
    pub(crate) machine: Machine,
    pub(crate) kernel: Option<Kernel>,
    pub(crate) trials: Trials,
}

impl Context {
    pub(crate) fn new(request: Request) -> Context {
        let here = Machine::here();
        let machine = match &request.host_arch {
            Some(name) if matches!(request.action, Some(Action::Export(_))) => Machine::named(name),
            // Whatever it is called, it cannot do without its own architecture.
            Some(name) => Machine::named(name).and(&here),
            None => here,
        };
        Context { request, machine, kernel: Kernel::running(), trials: Trials::default() }
    }

    /// binfmt_misc to see what is registered, if it is mounted anywhere.
    pub(crate) fn look(&self) -> Result<Option<BinfmtMisc>, Error> {
        Ok(BinfmtMisc::look(self.request.mount.as_deref())?)
    }

    /// The binfmt_misc that is mounted here, if one is; nothing is mounted for this.
    pub(crate) fn mounted(&self) -> Option<BinfmtMisc> {
        BinfmtMisc::mounted(self.request.mount.as_deref()).ok().flatten()
    }
}
