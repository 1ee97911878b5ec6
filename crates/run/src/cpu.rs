//! The CPU model that each QEMU is started with.

use std::cell::RefCell;
use std::collections::BTreeMap;

use arch::Target;
use exec::cpu::Wanted;
use qemu::{Finder, Tables, Version};
use watch::Program;

use crate::emulators::Emulators;
use crate::probe;

/// The models of all targets, each found out when it is first asked for.
#[derive(Debug)]
pub(crate) struct Models {
    wanted: Wanted,
    found: RefCell<BTreeMap<Target, Option<Model>>>,
}

#[derive(Debug, Clone)]
struct Model {
    name: String,
    /// True if it was given by hand: then all programs have it.
    is_by_hand: bool,
}

/// A model that a QEMU does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Its name.
    pub model: String,
    /// The QEMU that was asked; `None` if all were.
    pub of: Option<(Target, Option<Version>)>,
    /// The models that this QEMU has.
    pub known: Vec<String>,
}

impl Models {
    pub(crate) fn new(wanted: Wanted) -> Models {
        Models { wanted, found: RefCell::default() }
    }

    /// Fails if a model was given by hand, and the QEMU of `target` does not have it; no QEMU at all, if there is no target.
    pub(crate) fn check(&self, target: Option<Target>, emulators: &Emulators) -> Result<(), Box<Unknown>> {
        let Wanted::Model(model) = &self.wanted else { return Ok(()) };
        let unknown = |of, known| Err(Box::new(Unknown { model: model.clone(), of, known }));
        let Some(target) = target else {
            let mut all = emulators.of(Target::current());
            let has_model = all.any(|(target, program)| probe::takes(&program, target, model));
            return if has_model { Ok(()) } else { unknown(None, Vec::new()) };
        };
        // That there is none is another failure.
        let Ok(program) = emulators.get(target) else { return Ok(()) };
        if probe::takes(&program, target, model) {
            return Ok(());
        }
        unknown(Some((target, version(&program, target))), probe::models(&program))
    }

    /// The model for a program of `target`, which this QEMU runs; `None` for its own default.
    pub(crate) fn get(&self, target: Target, program: &Program, needs_default: bool) -> Option<String> {
        let mut found = self.found.borrow_mut();
        let model = found.entry(target.binary()).or_insert_with(|| self.find(target.binary(), program));
        let model = model.as_ref().filter(|model| model.is_by_hand || !needs_default);
        model.map(|model| model.name.clone())
    }

    fn find(&self, target: Target, program: &Program) -> Option<Model> {
        match &self.wanted {
            Wanted::Default => return None,
            Wanted::Model(name) if probe::takes(program, target, name) => {
                return Some(Model { name: name.clone(), is_by_hand: true });
            }
            Wanted::Model(_) | Wanted::Auto => {}
        }
        let model = target.preferred_cpu()?;
        let release = version(program, target)?.release();
        model.is_known_to(release).then(|| Model { name: model.name.to_owned(), is_by_hand: false })
    }
}

fn version(program: &Program, target: Target) -> Option<Version> {
    let find = |place| Finder::default().find(&program.file, place, target).ok().flatten();
    let place = Tables::read(&program.file).ok()??.read_only_data(&program.file);
    place.and_then(|place| find(Some(place))).or_else(|| find(None))
}
