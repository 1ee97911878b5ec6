//! Another tool's entry that runs a target's programs now: Rosetta in a virtual machine of Docker's, box64, FEX, Debian's own.
//! A user who registers everything does not mean to take programs away from it.

use std::fmt;
use std::path::PathBuf;

use arch::Target;
use binfmt::Listed;

use crate::args::Mode;
use crate::check::{self, Outcome};
use crate::output::Output;
use crate::owner;
use crate::request::{Request, Selection};
use crate::want::entry_name;
use crate::winner::winner;

/// The entry, and what becomes of its programs.
pub(crate) struct Rival {
    target: Target,
    name: String,
    interpreter: PathBuf,
    /// True if they are left to it.
    pub(crate) stays: bool,
}

/// The other tool's entry that takes `target`'s programs, if one does. It keeps them if it runs them and nobody named the target.
pub(crate) fn rival(listed: &[Listed], target: Target, request: &Request) -> Option<Rival> {
    let entry = winner(listed, target)?.entry.as_ref().ok()?;
    if owner::of(entry, &request.suffix).1.is_ours() {
        return None;
    }
    let all = matches!(request.selection, Selection::All) && !request.force;
    let stays = all && (request.no_check || request.mode != Mode::Do || check::run(target) == Outcome::Runs);
    // An entry of the same name is replaced, or that is refused.
    (stays || entry.name() != entry_name(target)).then(|| Rival {
        target,
        name: entry.name().to_owned(),
        interpreter: entry.interpreter().to_owned(),
        stays,
    })
}

impl Rival {
    /// Reports that a new entry stands in front of it.
    pub(crate) fn report_passed(&self, output: &mut Output<'_>) {
        output.note(format_args!("{self} took programs of {} until now; the new entry wins", self.target));
    }
}

impl fmt::Display for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.interpreter.display())
    }
}
