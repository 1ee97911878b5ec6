//! Registering: the core that both command lines share. It decides what becomes of each selected target, makes the kernel
//! hold the entries and has their programs run. The faces, [`crate::register`] and [`crate::install`], print.

use arch::Target;
use binfmt::{BinfmtMisc, Flags, Kernel, Listed};

use crate::apply::{self, Applied, Done};
use crate::context::Context;
use crate::copy;
use crate::error::Error;
use crate::exposure::writable_by_all;
use crate::interpreter::Finder;
use crate::interrupt;
use crate::lifetime;
use crate::output::Output;
use crate::request::Selection;
use crate::rival::{Rival, rival};
use crate::want::{self, Choice, Refusal, Wanted};

/// The decision about a selected target.
pub(crate) enum Decision {
    /// It gets an entry.
    Register(Wanted),
    /// It is the machine's own architecture.
    Native,
    /// The machine runs its programs by itself.
    Runs,
    /// It is left to another tool, which runs its programs.
    Left(Rival),
    /// There is no binary for it, and every target was asked for, not this one.
    Missing(Refusal),
    /// It cannot have an entry.
    Refused(Error),
    /// Its QEMU cannot have the CPU model that was asked for.
    NoModel(Error),
}

/// Opens binfmt_misc to register in it, and prints the warnings that hold for all entries.
///
/// # Errors
/// If the kernel cannot or does not let this process register what was asked for.
pub(crate) fn prepare(context: &Context, output: &mut Output<'_>) -> Result<BinfmtMisc, Error> {
    possible(context.request.persistent, context.kernel)?;
    let misc = lifetime::open(&context.request, output)?;
    warn_of_argv0(context, output);
    warn_of_emulation(context, output);
    Ok(misc)
}

/// Decides about each of the selected targets, in their order. Without `misc` no programs are run for it.
///
/// `listed` is what the new entries go before: another tool's entry is left its programs, unless their target was named.
///
/// # Errors
/// If it was interrupted.
pub(crate) fn decide(
    context: &Context,
    misc: Option<&BinfmtMisc>,
    listed: &[Listed],
) -> Result<Vec<(Target, Decision)>, Error> {
    let Context { request, machine, kernel, .. } = context;
    let foreign_host = request.host_arch.is_some();
    let runs = |target| {
        // Where programs cannot or may not be run, the family is all there is to go by, as in QEMU's own script.
        request.no_check || foreign_host || misc.is_none() || apply::runs_by_itself(misc, target)
    };
    let named = matches!(request.selection, Selection::Named(_));
    let mut versions = Finder::default();
    let choices = want::choose(request, machine, runs).into_iter();
    let mut decisions: Vec<(Target, Decision)> = choices
        .map(|choice| match choice {
            Choice::Native(target) => (target, Decision::Native),
            Choice::Runs(target) => (target, Decision::Runs),
            Choice::Register(target) => {
                let rival = rival(listed, target, request);
                if let Some(rival) = rival.filter(|rival| rival.stays) {
                    return (target, Decision::Left(rival));
                }
                match want::wanted(request, target, machine, *kernel, &mut versions) {
                    Ok(wanted) => (target, Decision::Register(wanted)),
                    Err(refusal) if refusal.is_missing() && !named => (target, Decision::Missing(refusal)),
                    Err(refusal @ Refusal::Model(_)) => {
                        (target, Decision::NoModel(refusal.error(request, target)))
                    }
                    Err(refusal) => (target, Decision::Refused(refusal.error(request, target))),
                }
            }
        })
        .collect();
    interrupt::check()?;
    refuse_an_empty_folder(context, &mut decisions);
    Ok(decisions)
}

/// A folder that has no binary at all is no set of binaries with gaps: the first that is missing stands for them all.
fn refuse_an_empty_folder(context: &Context, decisions: &mut Vec<(Target, Decision)>) {
    let is_there = |(_, decision): &(Target, Decision)| {
        matches!(
            decision,
            Decision::Register(_) | Decision::Refused(_) | Decision::NoModel(_) | Decision::Left(_)
        )
    };
    if decisions.iter().any(is_there) {
        return;
    }
    let mut first = true;
    decisions.retain_mut(|(target, decision)| match decision {
        Decision::Missing(refusal) if first => {
            first = false;
            *decision = Decision::Refused(refusal.error(&context.request, *target));
            true
        }
        Decision::Missing(_) => false,
        _ => true,
    });
}

/// Makes the kernel hold an entry, and runs a program of its target where that was asked for. `listed` is what it goes before, as
/// it was when all of this began: to list the entries anew for each new one takes longer than to register it.
///
/// # Errors
/// If the entry is not there afterwards.
pub(crate) fn register(
    context: &Context,
    misc: &BinfmtMisc,
    listed: &[Listed],
    wanted: &Wanted,
    output: &mut Output<'_>,
) -> Result<Applied, Error> {
    let request = &context.request;
    let before = rival(listed, wanted.target, request);
    let apply = || apply::apply(misc, wanted, request);
    let applied = match &wanted.model {
        Some(model) => copy::with(wanted.entry.interpreter(), model, apply)??,
        None => apply()?,
    };
    if let (Some(rival), Done::Added | Done::Replaced) = (before, &applied.done) {
        rival.report_passed(output);
    }
    warn_of_loader(wanted, output);
    warn_of_exposure(wanted, output);
    Ok(applied)
}

/// The limits of this kernel.
fn possible(persistent: bool, kernel: Option<Kernel>) -> Result<(), Error> {
    match kernel {
        Some(kernel) if persistent && kernel < Kernel::FIX_BINARY => Err(Error::new(format_args!(
            "cannot register persistently: the flag F came with Linux {}, and this is Linux {kernel}",
            Kernel::FIX_BINARY
        ))
        .hint(
            "use `register` without -p, and have each container hold its QEMU binary under the registered path",
        )),
        _ => Ok(()),
    }
}

/// The flag `P` where this kernel only does half of it.
fn warn_of_argv0(context: &Context, output: &mut Output<'_>) {
    match context.kernel {
        Some(kernel)
            if context.request.preserve_argv0 == Some(true) && kernel < Kernel::TELLS_PRESERVE_ARGV0 =>
        {
            output.warning(format_args!(
                "with the flag P, Linux {kernel} passes argv[0] on but does not tell QEMU (that came with Linux {}), so that \
                 programs may fail to start",
                Kernel::TELLS_PRESERVE_ARGV0
            ));
        }
        _ => {}
    }
}

/// With an image for another machine its QEMUs are emulated too, if they start at all.
fn warn_of_emulation(context: &Context, output: &mut Output<'_>) {
    if let Some(real) = context.machine.beneath() {
        let told = context.machine.name();
        output.warning(format_args!(
            "this program is itself emulated: it is for {told}, and this machine is {real}"
        ));
        output.hint(format_args!("use the image and the QEMU binaries for {real} hosts"));
    }
}

/// The kernel has the interpreter with `F`, and looks for its loader in each container.
fn warn_of_loader(wanted: &Wanted, output: &mut Output<'_>) {
    let dynamic = wanted.facts.as_ref().is_some_and(|facts| facts.dynamic);
    if dynamic && wanted.entry.flags().contains(Flags::FIX_BINARY) {
        output.warning(format_args!(
            "{} is dynamically linked: it only runs where its loader and libraries are, so in few containers",
            wanted.entry.interpreter().display()
        ));
    }
}

/// With `C` an interpreter runs with the rights of the programs' owners, so a user who can change it has those.
pub(crate) fn warn_of_exposure(wanted: &Wanted, output: &mut Output<'_>) {
    let path = wanted.entry.interpreter();
    let is_here = wanted.facts.is_some() && wanted.entry.flags().contains(Flags::CREDENTIALS);
    if let Some(open) = Some(path).filter(|_| is_here).and_then(writable_by_all) {
        output.warning(format_args!(
            "everybody can write to {}: with the flag C, who changes {} becomes root",
            open.display(),
            path.display()
        ));
        output.hint(format_args!("chmod o-w {}, make sure of the file, and register again", open.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_kernels_are_told_from_new_ones() {
        let check = |persistent, major, minor| possible(persistent, Some(Kernel::new(major, minor)));
        let error = check(true, 4, 7).unwrap_err();
        assert_eq!(
            error.message(),
            "cannot register persistently: the flag F came with Linux 4.8, and this is Linux 4.7"
        );
        assert!(error.what_to_do().is_some_and(|hint| hint.starts_with("use `register` without -p")));
        assert_eq!((check(false, 4, 7), check(true, 4, 8), possible(true, None)), (Ok(()), Ok(()), Ok(())));
    }
}
