//! Registers the selected targets, as this program's own command line prints it.

use arch::Target;
use binfmt::{BinfmtMisc, Listed};

use crate::apply::Done;
use crate::args::Mode;
use crate::context::Context;
use crate::copy;
use crate::error::Error;
use crate::full::{self, Extent};
use crate::interrupt;
use crate::output::Output;
use crate::proof::judge;
use crate::registration::{self, Decision};
use crate::request::Selection;
use crate::want::Wanted;

pub(crate) fn run(context: &Context, output: &mut Output<'_>) -> Result<(), Error> {
    let misc = &registration::prepare(context, output)?;
    warn_of_credentials(context, output);
    let listed = misc.list()?;
    let sorted = sort(context, Some(misc), &listed, output)?;
    if sorted.without_model > 0 {
        output.note("nothing was registered");
        return Ok(());
    }
    if sorted.wanted.iter().any(|wanted| wanted.model.is_some()) {
        copy::check(&context.request.dir)?;
    }
    let mut tally = Tally { failed: sorted.failed, ..Tally::default() };
    for wanted in &sorted.wanted {
        match registration::register(context, misc, &listed, wanted, output) {
            Ok(applied) => {
                tally.count(&applied.done, wanted, output);
                if let Some(outcome) = applied.outcome {
                    let (outcome, extent) = full::extend(outcome, wanted.target, &context.request);
                    interrupt::check()?;
                    let runs = judge(wanted.target, &outcome, &context.request, output);
                    tally.running += usize::from(runs);
                    tally.full += usize::from(runs && extent == Extent::Full);
                }
            }
            Err(error) => {
                tally.failed += 1;
                error.print(output);
            }
        }
        interrupt::check()?;
    }
    tally.tell(context, output);
    Ok(())
}

/// Prints what would be registered: line for line, or with `-t`, which people have after `-l`, how much.
pub(crate) fn plan(
    context: &Context,
    misc: Option<&BinfmtMisc>,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let listed = misc.map_or_else(|| Ok(Vec::new()), BinfmtMisc::list)?;
    if context.request.mode == Mode::Test {
        let count = sort(context, misc, &listed, output)?.wanted.len();
        output.line(format_args!("{count} could be set (-n lists them)"));
        return Ok(());
    }
    // No programs are run for this.
    for wanted in sort(context, None, &listed, output)?.wanted {
        let line = wanted.entry.register_line().unwrap_or_default();
        let model = with_model(&wanted);
        output.line(format_args!("Would register {}{model}", String::from_utf8_lossy(&line)));
    }
    Ok(())
}

/// The CPU model of an entry that has one, for the end of a line about it.
fn with_model(wanted: &Wanted) -> String {
    wanted.model.as_ref().map_or_else(String::new, |model| format!(" with -cpu {model}"))
}

/// The targets that need an entry and can have one.
#[derive(Default)]
pub(crate) struct Sorted {
    pub(crate) wanted: Vec<Wanted>,
    failed: usize,
    /// Those of the failed that cannot have the CPU model that was asked for.
    without_model: usize,
}

impl Sorted {
    fn fail(&mut self, error: &Error, output: &mut Output<'_>) {
        self.failed += 1;
        error.print(output);
    }
}

/// Takes those that can be registered out of the selection, and prints why the rest is not.
pub(crate) fn sort(
    context: &Context,
    misc: Option<&BinfmtMisc>,
    listed: &[Listed],
    output: &mut Output<'_>,
) -> Result<Sorted, Error> {
    let decisions = registration::decide(context, misc, listed)?;
    let is_native = |(_, decision): &(Target, Decision)| matches!(decision, Decision::Native);
    // In a list of platforms the machine's own belongs to it; named alone, it is a mistake.
    let only_native =
        matches!(context.request.selection, Selection::Named(_)) && decisions.iter().all(is_native);
    let (mut own, mut missing) = (Vec::new(), Vec::new());
    let mut sorted = Sorted::default();
    for (target, decision) in decisions {
        match decision {
            Decision::Register(wanted) => sorted.wanted.push(wanted),
            Decision::Native if only_native => sorted.fail(&native(target, context), output),
            Decision::Native | Decision::Runs => own.push(target.name()),
            Decision::Left(rival) => {
                output.line(format_args!("Leaving {target} to {rival}, which runs its programs"));
            }
            Decision::Missing(_) => missing.push(target.name()),
            Decision::Refused(error) => sorted.fail(&error, output),
            Decision::NoModel(error) => {
                sorted.without_model += 1;
                sorted.fail(&error, output);
            }
        }
    }
    if !own.is_empty() {
        let (own, name) = (own.join(" "), context.machine.name());
        output.line(format_args!("Skipping {own}: this machine ({name}) runs these by itself"));
    }
    if !missing.is_empty() {
        let (missing, dir) = (missing.join(" "), context.request.dir.display());
        output.line(format_args!("Skipping {missing}: {dir} has no binary for these"));
    }
    Ok(sorted)
}

fn native(target: Target, context: &Context) -> Error {
    let name = context.machine.name();
    Error::new(format_args!("cannot register {target}: it is this machine's own architecture ({name})"))
        .hint("this machine runs such programs by itself; with an entry for them, none would start any more")
}

pub(crate) fn warn_of_credentials(context: &Context, output: &mut Output<'_>) {
    if context.request.credential {
        output.warning(
            "with -c, set-user-ID programs of these targets run with their owner's rights, as sudo needs; so whoever can \
             bring such a program owned by root, in an image for instance, becomes root through QEMU",
        );
    }
}

/// The counts of what was done.
#[derive(Default)]
struct Tally {
    set: usize,
    kept: usize,
    failed: usize,
    running: usize,
    full: usize,
    absent: usize,
    flags: Vec<String>,
}

impl Tally {
    fn count(&mut self, done: &Done, wanted: &Wanted, output: &mut Output<'_>) {
        let (target, entry) = (wanted.target, &wanted.entry);
        let (path, model) = (entry.interpreter().display(), with_model(wanted));
        match done {
            Done::Added | Done::Replaced => {
                self.set += 1;
                output.line(format_args!("Setting {path} as binfmt interpreter for {target}{model}"));
            }
            Done::Unchanged => {
                self.kept += 1;
                output.line(format_args!("Keeping {path} as binfmt interpreter for {target}{model}"));
            }
            Done::Kept { entry, version } => {
                self.kept += 1;
                let path = entry.interpreter().display();
                output.line(format_args!(
                    "Keeping {path} as binfmt interpreter for {target}: its QEMU {version} is newer"
                ));
            }
        }
        self.absent += usize::from(wanted.facts.is_none());
        let flags = entry.flags().to_string();
        let flags = if flags.is_empty() { "none".to_owned() } else { flags };
        if !self.flags.contains(&flags) {
            self.flags.push(flags);
        }
    }

    fn tell(&self, context: &Context, output: &mut Output<'_>) {
        let total = self.set + self.kept;
        if self.absent > 0 {
            output.note(format_args!(
                "{} of {total} interpreters cannot be used from here: each container has to hold its own",
                self.absent
            ));
        }
        if total > 0 {
            let flags = self.flags.join(", ");
            let proof = match context.request.check {
                true if context.request.full => {
                    format!("; {} of {total} proved by running, {} of them in full", self.running, self.full)
                }
                true => format!("; {} of {total} proved by running", self.running),
                false => String::new(),
            };
            output.line(format_args!(
                "{} set, {} kept as they were; flags: {flags}{proof}",
                self.set, self.kept
            ));
        }
        if self.failed > 0 {
            output.note(format_args!(
                "{} of {} targets could not be registered",
                self.failed,
                self.failed + total
            ));
        }
    }
}
