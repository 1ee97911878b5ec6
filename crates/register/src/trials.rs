//! The programs of targets, each run once for all that is printed of it.

use std::cell::RefCell;

use arch::Target;

use crate::check::{self, Outcome};
use crate::cpu;
use crate::error::Error;
use crate::full::{self, Extent};
use crate::interpreter::{Version, version_in};
use crate::interrupt;
use crate::request::Request;

/// The outcome of a target's programs, and the QEMU that the kernel started for them.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) outcome: Outcome,
    pub(crate) extent: Extent,
    pub(crate) version: Option<Version>,
    /// The CPU model that is in its file.
    pub(crate) model: Option<String>,
}

/// Those that were made, which hold for as long as no entry changes.
#[derive(Default)]
pub(crate) struct Trials(RefCell<Vec<(Target, Trial)>>);

impl Trials {
    /// Runs `target`'s program, or its programs, unless that was done before.
    ///
    /// # Errors
    /// If it was interrupted.
    pub(crate) fn of(&self, target: Target, request: &Request) -> Result<Trial, Error> {
        if let Some((_, trial)) = self.0.borrow().iter().find(|(of, _)| *of == target) {
            return Ok(trial.clone());
        }
        let trial = Trial::make(target, request);
        interrupt::check()?;
        self.0.borrow_mut().push((target, trial.clone()));
        Ok(trial)
    }

    /// Forgets them, since entries have changed.
    pub(crate) fn forget(&self) {
        self.0.take();
    }
}

impl Trial {
    fn make(target: Target, request: &Request) -> Trial {
        match check::start(target) {
            Ok(running) => {
                let file = running.interpreter().ok();
                let version = file.as_ref().and_then(|file| version_in(file, target));
                let model = file.as_ref().and_then(cpu::find).map(|prelude| prelude.model);
                let (outcome, extent) = full::extend(running.finish(), target, request);
                Trial { outcome, extent, version, model }
            }
            Err(outcome) => Trial { outcome, extent: Extent::Small, version: None, model: None },
        }
    }
}
