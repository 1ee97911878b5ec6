//! The decision about each exec: QEMU is put in front of foreign programs.

use std::io::{Read, Write};

use exec::header;
use exec::plan::{Decision as Planned, Plan};
use rustix::io::Errno;
use watch::{Decision, Exec, Policy, Replacement, Word};

use crate::cpu::Models;
use crate::emulators::{Emulators, Missing};
use crate::machine::Machine;

/// The policy, with what it needs.
#[derive(Debug)]
pub(crate) struct Emulation {
    pub(crate) machine: Machine,
    pub(crate) emulators: Emulators,
    pub(crate) models: Models,
    pub(crate) is_verbose: bool,
}

/// The first bytes of a file, as many as the kernel looks at; one call reads them, as a rule.
pub(crate) fn read_header(file: &mut dyn Read) -> Option<Vec<u8>> {
    let mut header = Vec::with_capacity(header::SIZE);
    file.take(header::SIZE as u64).read_to_end(&mut header).ok()?;
    Some(header)
}

impl Emulation {
    fn report(&self, tid: i32, path: &[u8], what: impl FnOnce() -> String) {
        if self.is_verbose {
            let path = String::from_utf8_lossy(path);
            let path = path.escape_debug();
            // There is no place left to report to.
            let _ = writeln!(std::io::stderr(), "run: {tid}: {path}: {}", what());
        }
    }

    /// The path by which a program finds itself, as the kernel makes it up (`alloc_bprm` in fs/exec.c).
    fn own_path(exec: &Exec<'_>) -> Option<Vec<u8>> {
        let directory = exec.directory.filter(|_| !exec.path.starts_with(b"/"))?;
        let mut path = format!("/dev/fd/{directory}").into_bytes();
        if !exec.path.is_empty() {
            path.push(b'/');
            path.extend_from_slice(exec.path);
        }
        Some(path)
    }

    /// The program that stands in, and what is reported of it.
    fn replace(&self, exec: &Exec<'_>, plan: Plan) -> Result<(Replacement, String), Missing> {
        let program = self.emulators.get(plan.target)?;
        // QEMU itself reads the variable, and a model on its command line would come before that.
        let model = self
            .models
            .get(plan.target, &program, plan.needs_default)
            .filter(|_| !exec.has_variable("QEMU_CPU"));
        let name = format!("qemu-{}", plan.target.binary());
        let mut words = vec![Word::Text(name.clone().into_bytes()), Word::Text(b"-0".to_vec())];
        let is_given = plan.path == exec.path;
        words.push(if plan.is_direct { Word::First } else { Word::Text(plan.path.clone()) });
        let report = model.as_ref().map_or_else(|| name.clone(), |model| format!("{name} -cpu {model}"));
        if let Some(model) = model {
            words.extend([b"-cpu".to_vec(), model.into_bytes()].map(Word::Text));
        }
        words.push(if is_given { Word::Path } else { Word::Text(plan.path) });
        words.extend(plan.inserted.into_iter().map(Word::Text));
        Ok((Replacement { program, words }, report))
    }
}

impl Policy for Emulation {
    fn decide(&mut self, exec: &Exec<'_>) -> Decision {
        let guest = exec.guest;
        let header = guest.open(exec.directory, exec.path).ok().and_then(|mut file| read_header(&mut file));
        let Some(header) = header else {
            self.report(guest.tid(), exec.path, || "left to the kernel".to_owned());
            return Decision::Leave;
        };
        let own_path = Emulation::own_path(exec);
        let path = own_path.as_deref().unwrap_or(exec.path);
        let planned = self.machine.plan(path, &header, |path| {
            guest.open(None, path).ok().and_then(|mut file| read_header(&mut file))
        });
        match planned {
            Planned::Native => {
                self.report(guest.tid(), path, || "left to the kernel".to_owned());
                Decision::Leave
            }
            Planned::TooDeep => {
                self.report(guest.tid(), path, || "too many scripts in a row".to_owned());
                Decision::Refuse(Errno::LOOP)
            }
            // The kernel has this error for what an interpreter would not find (BINPRM_FLAGS_PATH_INACCESSIBLE).
            Planned::Foreign(_)
                if own_path.is_some() && exec.directory.is_some_and(|fd| guest.closes_on_exec(fd)) =>
            {
                self.report(guest.tid(), path, || "its descriptor closes on exec".to_owned());
                Decision::Refuse(Errno::NOENT)
            }
            Planned::Foreign(plan) => match self.replace(exec, plan) {
                Ok((replacement, report)) => {
                    self.report(guest.tid(), path, || report);
                    Decision::Replace(replacement)
                }
                Err(missing) => {
                    self.report(guest.tid(), path, || format!("left to the kernel: {missing}"));
                    Decision::Leave
                }
            },
        }
    }

    fn failed(&mut self, tid: i32, errno: Errno) {
        self.report(tid, b"its arguments", || std::io::Error::from(errno).to_string());
    }
}
