//! The programs that this machine runs by itself, and the way of the rest.

use std::cell::RefCell;

use arch::{Host, Target};
use exec::header::Natives;
use exec::plan::{self, Decision};

use crate::probe;

/// This machine.
#[derive(Debug)]
pub struct Machine {
    own: Option<Target>,
    /// The targets that are known to run, and those of the machine's family that are known not to.
    known: RefCell<(Vec<Target>, Vec<Target>)>,
}

impl Machine {
    /// The machine that this program was built for.
    pub fn here() -> Machine {
        let own = Host::native().ok().map(Host::target);
        Machine { own, known: RefCell::new((own.into_iter().collect(), Vec::new())) }
    }

    /// As [`plan::plan`]. A program of the machine's family is foreign only if it does not run: not every 64-bit processor has 32-bit
    /// programs, nor every kernel.
    pub fn plan(
        &self,
        path: &[u8],
        header: &[u8],
        mut open: impl FnMut(&[u8]) -> Option<Vec<u8>>,
    ) -> Decision {
        loop {
            let natives = Natives::new(self.known.borrow().0.iter().copied());
            match plan::plan(path, header, &natives, &mut open) {
                Decision::Foreign(plan) if self.is_new_relative(plan.target) => self.learn(plan.target),
                decision => return decision,
            }
        }
    }

    fn is_new_relative(&self, target: Target) -> bool {
        self.own.is_some_and(|own| own.family() == target.family())
            && !self.known.borrow().1.contains(&target)
    }

    fn learn(&self, target: Target) {
        let runs = probe::runs(target);
        let (run, fail) = &mut *self.known.borrow_mut();
        if runs { run } else { fail }.push(target);
    }
}
