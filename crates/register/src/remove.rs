//! Removes entries, and only such as this program made or could have made.

use std::ffi::OsStr;

use binfmt::{BinfmtMisc, Listed};

use crate::context::Context;
use crate::error::Error;
use crate::escape;
use crate::output::Output;
use crate::owner;
use crate::request::Selection;
use crate::want::entry_name;

pub(crate) fn run(
    selection: &Selection,
    context: &Context,
    misc: &BinfmtMisc,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let listed = misc.list()?;
    let ours = ours(selection, context, &listed);
    for own in &ours {
        match misc.remove_listed(own) {
            Ok(_) => output.line(format_args!("Removing {}", escape::name(&own.name))),
            // The next would fail the same way.
            Err(error @ (binfmt::Error::NotPermitted { .. } | binfmt::Error::ReadOnly { .. })) => {
                return Err(error.into());
            }
            Err(error) => Error::from(error).print(output),
        }
    }
    for listed in &listed {
        if !ours.contains(&listed) {
            tell_kept(listed, selection, output);
        }
    }
    if let Selection::Named(targets) = selection {
        // What was asked for holds: there is no such entry. But it may have been another's name that was meant.
        for target in targets {
            let name = entry_name(*target);
            if !listed.iter().any(|listed| listed.name == name.as_str()) {
                output.note(format_args!("{name} was not registered"));
            }
        }
    } else if ours.is_empty() {
        output.note("nothing of this program's was registered");
    }
    Ok(())
}

/// Prints what would be removed.
pub(crate) fn plan(
    selection: &Selection,
    context: &Context,
    misc: &BinfmtMisc,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    for own in ours(selection, context, &misc.list()?) {
        output.line(format_args!("Would remove {}", escape::name(&own.name)));
    }
    Ok(())
}

/// The selected entries that this program made, or could have made; with `--force`, all that bear a target's name.
fn ours<'a>(selection: &Selection, context: &Context, listed: &'a [Listed]) -> Vec<&'a Listed> {
    let suffix = &context.request.suffix;
    let ours = listed.iter().filter(|listed| match &listed.entry {
        Ok(entry) => {
            let (target, owner) = owner::of(entry, suffix);
            target.is_some_and(|target| selection.contains(target))
                && (owner.is_ours() || context.request.force)
        }
        Err(_) => false,
    });
    ours.collect()
}

/// An entry with a target's name that stays is another tool's. If it was asked for by name, it is a failure.
fn tell_kept(listed: &Listed, selection: &Selection, output: &mut Output<'_>) {
    let Ok(entry) = &listed.entry else { return };
    let (Some(target), _) = owner::of(entry, OsStr::new("")) else { return };
    if !selection.contains(target) {
        return;
    }
    let message = format!(
        "{} is another tool's (its interpreter is {}) and stays",
        escape::name(&listed.name),
        entry.interpreter().display()
    );
    if matches!(selection, Selection::Named(_)) {
        Error::new(format_args!("cannot remove {target}: {message}"))
            .hint("--force removes it")
            .print(output);
    } else {
        output.note(format_args!("{message}; --force removes it"));
    }
}
