//! Makes the kernel hold an entry that is wanted.

use arch::Target;
use binfmt::{BinfmtMisc, Entry, Flags};

use crate::check::{self, Outcome};
use crate::cpu;
use crate::error::Error;
use crate::interpreter::{Version, version_in};
use crate::interrupt;
use crate::owner;
use crate::request::Request;
use crate::same::same_content;
use crate::want::Wanted;
use crate::winner::winner;

/// The way that an entry came to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// There was none.
    Added,
    /// There was another.
    Replaced,
    /// It was there already.
    Unchanged,
    /// The entry that was there has a newer QEMU, and otherwise does what was asked for.
    Kept {
        /// The entry that stays.
        entry: Box<Entry>,
        /// Its QEMU.
        version: Version,
    },
}

/// An entry that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The way it came to be there.
    pub done: Done,
    /// The outcome of a program of the target, if one was run.
    pub outcome: Option<Outcome>,
}

/// Registers `wanted`, if it is not yet there. With [`Request::check`] it only stays if a program of its target runs, or could
/// not be tried, or with [`Request::force`].
///
/// # Errors
/// If the entry is not there afterwards; then what was there before is.
pub fn apply(misc: &BinfmtMisc, wanted: &Wanted, request: &Request) -> Result<Applied, Error> {
    // Another `register` would take the temporary entry of a replacement for one that a killed replacement has left.
    let _turn = misc.lock()?;
    let mut applied = hold(misc, wanted, request)?;
    if applied.outcome.is_none() {
        applied.outcome = check(wanted, request);
    }
    Ok(applied)
}

fn hold(misc: &BinfmtMisc, wanted: &Wanted, request: &Request) -> Result<Applied, Error> {
    let entry = &wanted.entry;
    if let Some(old) = misc.entry(entry.name())? {
        // It would be in effect, unproved perhaps, and be taken for the old one.
        misc.remove_leftover(entry.name())?;
        return settle(misc, &old, wanted, request);
    }
    if is_rehearsed(wanted, request) && is_taken(misc, wanted.target) {
        rehearse(wanted, request, "so it was not registered")?;
    }
    match misc.register(entry) {
        Ok(()) => keep_added(misc, wanted, request),
        // Somebody was faster; so there is something to compare with now.
        Err(binfmt::Error::Exists { name }) => match misc.entry(&name)? {
            Some(old) => settle(misc, &old, wanted, request),
            None => Err(binfmt::Error::Exists { name }.into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// Keeps an entry that was just added, if its program runs: it may stand in front of another tool's, which works.
fn keep_added(misc: &BinfmtMisc, wanted: &Wanted, request: &Request) -> Result<Applied, Error> {
    let name = wanted.entry.name();
    let outcome = check(wanted, request);
    if let Some(why) = objection(outcome.as_ref(), request) {
        misc.remove(&wanted.entry)?;
        let leftover = BinfmtMisc::leftover_of(name);
        let then = match misc.entry(&leftover)? {
            Some(_) => format!("{leftover}, which a killed replacement has left, stays in effect"),
            None => "so it was not registered".to_owned(),
        };
        return Err(does_not_run(wanted, why, &then));
    }
    misc.remove_leftover(name)?;
    Ok(Applied { done: Done::Added, outcome })
}

/// Has the interpreter run a program before the kernel gets it, where something runs such programs already: should this
/// process be killed while it waits for one that does not end, everything is as it was.
fn rehearse(wanted: &Wanted, request: &Request, then: &str) -> Result<(), Error> {
    if !is_rehearsed(wanted, request) {
        return Ok(());
    }
    let outcome = check::run_with(wanted.entry.interpreter(), &[], wanted.target);
    match objection(Some(&outcome), request) {
        Some(why) => Err(does_not_run(wanted, why, then)),
        None => Ok(()),
    }
}

/// True if the request asks for a rehearsal, and there is an interpreter for it: without facts there is none here.
fn is_rehearsed(wanted: &Wanted, request: &Request) -> bool {
    request.check && !request.force && wanted.facts.is_some()
}

/// Runs a program of the target, if the request asks for it.
fn check(wanted: &Wanted, request: &Request) -> Option<Outcome> {
    request.check.then(|| check::run(wanted.target))
}

/// The reason not to keep an entry, if there is one.
fn objection<'a>(outcome: Option<&'a Outcome>, request: &Request) -> Option<&'a str> {
    match outcome {
        Some(Outcome::Fails(why)) if !request.force => Some(why),
        // It has proved nothing, and nobody waits for the entry any more.
        Some(Outcome::Untried(why)) if interrupt::check().is_err() => Some(why),
        _ => None,
    }
}

fn does_not_run(wanted: &Wanted, why: &str, then: &str) -> Error {
    if let Err(interrupted) = interrupt::check() {
        return interrupted;
    }
    let (target, path) = (wanted.target, wanted.entry.interpreter().display());
    Error::new(format_args!(
        "cannot register {target}: a program of {target} does not run under {path}: {why}; {then}"
    ))
    .hint("--force registers it all the same, --no-check without running a program")
}

/// Compares what is there with what is wanted, and replaces it if need be.
fn settle(misc: &BinfmtMisc, old: &Entry, wanted: &Wanted, request: &Request) -> Result<Applied, Error> {
    let entry = &wanted.entry;
    if !owner::of(old, &request.suffix).1.is_ours() && !request.force {
        let error = Error::new(format_args!(
            "cannot register {}: the entry {} is another tool's (its interpreter is {})",
            wanted.target,
            old.name(),
            old.interpreter().display()
        ));
        return Err(error.hint("--force replaces it; removing that tool's registration leaves it in order"));
    }
    // One in front of it takes its programs: what runs them then says nothing of this entry, which has to come to the front.
    let first = winner(&misc.list()?, wanted.target).map(|first| first.name.clone());
    let shadowed = first.is_some_and(|first| first != old.name());
    let same = old == entry;
    let tells_all = !old.flags().contains(Flags::FIX_BINARY);
    // A model, or that there be none, was asked for, so that an entry with another is not kept.
    let has_model = request.cpu.is_some();
    if same && !shadowed && (tells_all || request.no_check && !has_model) {
        return Ok(Applied { done: Done::Unchanged, outcome: None });
    }
    // With F the text does not tell which file the kernel holds: that path may have had another QEMU behind it when
    // it was registered, in a container that is long gone.
    if !request.no_check && !shadowed && old.enabled() && does_as_much(old, entry) {
        let held = Held::find(wanted);
        interrupt::check()?;
        if same && held.is_the_same && held.outcome == Outcome::Runs {
            return Ok(Applied { done: Done::Unchanged, outcome: Some(held.outcome) });
        }
        let ours = wanted.facts.and_then(|facts| facts.version);
        if let (Some(theirs), Some(ours), false, Outcome::Runs) =
            (held.version, ours, request.force, &held.outcome)
            && theirs > ours
            && (!has_model || held.model == wanted.model)
        {
            let done = Done::Kept { entry: Box::new(old.clone()), version: theirs };
            return Ok(Applied { done, outcome: Some(held.outcome) });
        }
    }
    let stays = format!("the entry {} that was there stays", entry.name());
    rehearse(wanted, request, &stays)?;
    // Until it is proved, the new entry has a temporary name, and the old one stays.
    let mut outcome = None;
    let accepted = misc.replace(old, entry, &mut || {
        outcome = check(wanted, request);
        objection(outcome.as_ref(), request).is_none()
    })?;
    match objection(outcome.as_ref(), request) {
        Some(why) if !accepted => Err(does_not_run(wanted, why, &stays)),
        _ => Ok(Applied { done: Done::Replaced, outcome }),
    }
}

/// True if an entry has the flags that are wanted. `O` more does no harm; `C` more gives rights that were not asked for.
fn does_as_much(old: &Entry, wanted: &Entry) -> bool {
    let credentials = |entry: &Entry| entry.flags().contains(Flags::CREDENTIALS);
    old.flags().contains(wanted.flags()) && credentials(old) == credentials(wanted)
}

/// The interpreter that the kernel holds for a target.
struct Held {
    is_the_same: bool,
    version: Option<Version>,
    model: Option<String>,
    outcome: Outcome,
}

impl Held {
    fn find(wanted: &Wanted) -> Held {
        let nothing = |outcome| Held { is_the_same: false, version: None, model: None, outcome };
        let running = match check::start(wanted.target) {
            Ok(running) => running,
            Err(outcome) => return nothing(outcome),
        };
        let Ok(mut held) = running.interpreter() else { return nothing(running.finish()) };
        let is_the_same = same_content(&mut held, wanted.entry.interpreter());
        let version = if is_the_same { None } else { version_in(&held, wanted.target) };
        let model = cpu::find(&held).map(|prelude| prelude.model);
        Held { is_the_same, version, model, outcome: running.finish() }
    }
}

/// True if the machine runs a target's programs without an entry for them. Where there is one, that cannot be seen, and the
/// answer is no: then the entry is kept in order. Where no program can be run, the family is all there is to go by.
pub fn runs_by_itself(misc: Option<&BinfmtMisc>, target: Target) -> bool {
    let taken = misc.is_some_and(|misc| is_taken(misc, target));
    !taken && !matches!(check::run(target), Outcome::Fails(_))
}

/// True if an entry takes the target's programs.
fn is_taken(misc: &BinfmtMisc, target: Target) -> bool {
    misc.list().is_ok_and(|listed| winner(&listed, target).is_some())
}
