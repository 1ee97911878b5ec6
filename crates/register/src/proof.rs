//! The proof that an entry works: a program of its target ran.

use arch::Target;

use crate::check::Outcome;
use crate::error::Error;
use crate::output::Output;
use crate::request::Request;
use crate::want::entry_name;

/// Reports the outcome of a registered target's program; `true` if it ran.
pub(crate) fn judge(target: Target, outcome: &Outcome, request: &Request, output: &mut Output<'_>) -> bool {
    match outcome {
        Outcome::Runs => return true,
        Outcome::Fails(why) => {
            Error::new(format_args!(
                "{} is registered, but a program of {target} does not run: {why}",
                entry_name(target)
            ))
            .print(output);
        }
        // That is what was asked for.
        Outcome::Untried(why) if request.must_check => {
            output.error(format_args!("{}: not tried: {why}", entry_name(target)));
        }
        Outcome::Untried(why) => {
            output.warning(format_args!("{}: not tried: {why}", entry_name(target)));
        }
    }
    false
}
