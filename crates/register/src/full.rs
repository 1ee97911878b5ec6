//! The full check: where a small program runs, one of the target's that does what real programs do.

use arch::Target;

use crate::check::{self, Outcome};
use crate::error::Error;
use crate::request::Request;

/// The programs that were run for a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The small one alone.
    Small,
    /// Both, or all up to the one that failed.
    Full,
}

impl Extent {
    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Extent::Small => "small",
            Extent::Full => "full",
        }
    }
}

/// Fails if a full check was asked for and this copy of the program has no programs for it.
pub(crate) fn possible(request: &Request) -> Result<(), Error> {
    if !request.full || trial::are_there() {
        return Ok(());
    }
    Err(Error::new("cannot check in full: this `register` was built without the programs for that")
        .hint("take the `register` of an image, or --check without `=full`"))
}

/// Goes on after a small program, if that was asked for, it ran, and there is a program of the target.
pub(crate) fn extend(outcome: Outcome, target: Target, request: &Request) -> (Outcome, Extent) {
    let full = || check::run_full(target).map(|outcome| (outcome, Extent::Full));
    let is_next = request.full && outcome == Outcome::Runs;
    is_next.then(full).flatten().unwrap_or((outcome, Extent::Small))
}
