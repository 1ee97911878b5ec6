//! Registers the selected targets.

use arch::Target;
use binfmt::{BinfmtMisc, Kernel};

use crate::apply::{self, Done, Policy};
use crate::args::Mode;
use crate::interpreter::Finder;
use crate::output::Output;
use crate::request::Selection;
use crate::run::{Scene, judge, prove};
use crate::trouble::Trouble;
use crate::want::{self, Choice, Wanted};

pub(crate) fn run(scene: &Scene, misc: &BinfmtMisc, output: &mut Output<'_>) -> Result<(), Trouble> {
    let request = &scene.request;
    possible(request.persistent, scene.kernel)?;
    misc.check_writable()?;
    scene.tell_lifetime(misc, output);
    warn_of_credentials(scene, output);
    warn_of_argv0(scene, output);
    warn_of_emulation(scene, output);
    let sorted = sort(scene, Some(misc), output);
    let suffix = request.suffix.to_string_lossy();
    let policy = Policy { force: request.force, look: !request.no_check, suffix: &suffix };

    let mut tally = Tally::default();
    let mut unproven = Vec::new();
    for wanted in &sorted.wanted {
        match apply::apply(misc, wanted, policy) {
            Ok((done, outcome)) => {
                tally.count(&done, wanted, output);
                match outcome {
                    Some(outcome) => tally.running += usize::from(judge(wanted.target, &outcome, output)),
                    None => unproven.push(wanted.target),
                }
            }
            Err(trouble) => {
                tally.failed += 1;
                trouble.print(output);
            }
        }
    }
    if request.check {
        tally.running += prove(&unproven, output);
    }
    tally.failed += sorted.failed;
    tally.tell(scene, output);
    Ok(())
}

/// What would be registered: line for line, or with `-t`, which people have after `-l`, how much.
pub(crate) fn plan(scene: &Scene, misc: Option<&BinfmtMisc>, output: &mut Output<'_>) {
    if scene.request.mode == Mode::Test {
        let count = sort(scene, misc, output).wanted.len();
        output.line(format_args!("{count} could be set (-n lists them)"));
        return;
    }
    // No programs are run for this.
    for wanted in sort(scene, None, output).wanted {
        let line = wanted.entry.register_line().unwrap_or_default();
        output.line(format_args!("Would register {}", String::from_utf8_lossy(&line)));
    }
}

/// The targets that need an entry and can have one.
pub(crate) struct Sorted {
    pub(crate) wanted: Vec<Wanted>,
    failed: usize,
}

impl Sorted {
    fn fail(&mut self, trouble: &Trouble, output: &mut Output<'_>) {
        self.failed += 1;
        trouble.print(output);
    }
}

/// Sorts the selection into what can be registered, and tells why the rest is not.
pub(crate) fn sort(scene: &Scene, misc: Option<&BinfmtMisc>, output: &mut Output<'_>) -> Sorted {
    let Scene { request, machine, kernel } = scene;
    let foreign_host = request.host_arch.is_some();
    let runs = |target| {
        // Where programs cannot or may not be run, the family is all there is to go by, as in QEMU's own script.
        request.no_check || foreign_host || misc.is_none() || apply::runs_by_itself(misc, target)
    };
    let named = matches!(request.selection, Selection::Named(_));
    let (mut own, mut missing) = (Vec::new(), Vec::new());
    let mut sorted = Sorted { wanted: Vec::new(), failed: 0 };
    let mut versions = Finder::default();
    for choice in want::choose(request, machine, runs) {
        match choice {
            Choice::Native(target) if named => sorted.fail(&native(target, scene), output),
            Choice::Native(target) | Choice::Runs(target) => own.push(target.name()),
            Choice::Register(target) => {
                match want::wanted(request, target, machine, *kernel, &mut versions) {
                    Ok(wanted) => sorted.wanted.push(wanted),
                    Err(refusal) if refusal.is_missing() && !named => missing.push((target, refusal)),
                    Err(refusal) => sorted.fail(&refusal.trouble(request, target), output),
                }
            }
        }
    }
    if let (true, Some((target, refusal))) = (sorted.wanted.is_empty() && sorted.failed == 0, missing.first())
    {
        // Nothing at all is there: that is no set of binaries with gaps.
        sorted.fail(&refusal.trouble(request, *target), output);
        missing.clear();
    }
    if !own.is_empty() {
        let (own, name) = (own.join(" "), machine.name());
        output.line(format_args!("Skipping {own}: this machine ({name}) runs these by itself"));
    }
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|(target, _)| target.name()).collect();
        let dir = request.dir.display();
        output.line(format_args!("Skipping {}: {dir} has no binary for these", names.join(" ")));
    }
    sorted
}

fn native(target: Target, scene: &Scene) -> Trouble {
    let name = scene.machine.name();
    Trouble::new(format_args!("cannot register {target}: it is this machine's own architecture ({name})"))
        .hint("this machine runs such programs by itself; with an entry for them, none would start any more")
}

/// What this kernel cannot do at all.
fn possible(persistent: bool, kernel: Option<Kernel>) -> Result<(), Trouble> {
    match kernel {
        Some(kernel) if persistent && kernel < Kernel::FIX_BINARY => Err(Trouble::new(format_args!(
            "cannot register persistently: the flag F came with Linux {}, and this is Linux {kernel}",
            Kernel::FIX_BINARY
        ))
        .hint("leave out -p, and have each container hold its QEMU binary under the registered path")),
        _ => Ok(()),
    }
}

/// What was asked for and this kernel only does by half.
fn warn_of_argv0(scene: &Scene, output: &mut Output<'_>) {
    match scene.kernel {
        Some(kernel)
            if scene.request.preserve_argv0 == Some(true) && kernel < Kernel::TELLS_PRESERVE_ARGV0 =>
        {
            output.warning(format_args!(
                "with -g, Linux {kernel} passes argv[0] on but does not tell QEMU (that came with Linux {}), so that \
                 programs may fail to start",
                Kernel::TELLS_PRESERVE_ARGV0
            ));
        }
        _ => {}
    }
}

/// With an image for another machine its QEMUs are emulated too, if they start at all.
fn warn_of_emulation(scene: &Scene, output: &mut Output<'_>) {
    if let Some(real) = scene.machine.beneath() {
        let told = scene.machine.name();
        output.warning(format_args!(
            "this program is itself emulated: it is for {told}, and this machine is {real}"
        ));
        output.hint(format_args!("use the image and the QEMU binaries for {real} hosts"));
    }
}

pub(crate) fn warn_of_credentials(scene: &Scene, output: &mut Output<'_>) {
    if scene.request.credential {
        output.warning(
            "with -c, set-user-ID programs of these targets run with their owner's rights, as sudo needs; so whoever can \
             bring such a program owned by root, in an image for instance, becomes root through QEMU",
        );
    }
}

/// What was done, counted.
#[derive(Default)]
struct Tally {
    set: usize,
    kept: usize,
    failed: usize,
    running: usize,
    absent: usize,
    flags: Vec<String>,
}

impl Tally {
    fn count(&mut self, done: &Done, wanted: &Wanted, output: &mut Output<'_>) {
        let (target, entry) = (wanted.target, &wanted.entry);
        let path = entry.interpreter().display();
        match done {
            Done::Added | Done::Replaced => {
                self.set += 1;
                output.line(format_args!("Setting {path} as binfmt interpreter for {target}"));
            }
            Done::Unchanged => {
                self.kept += 1;
                output.line(format_args!("Keeping {path} as binfmt interpreter for {target}"));
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
        if wanted.facts.is_some_and(|facts| facts.dynamic) && is_persistent(wanted) {
            output.warning(format_args!(
                "{path} is dynamically linked: it only runs where its loader and libraries are, so in few containers"
            ));
        }
    }

    fn tell(&self, scene: &Scene, output: &mut Output<'_>) {
        let total = self.set + self.kept;
        if self.absent > 0 {
            output.note(format_args!(
                "{} of {total} interpreters cannot be used from here: each container has to hold its own",
                self.absent
            ));
        }
        if total > 0 {
            let flags = self.flags.join(", ");
            let proof = match scene.request.check {
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

fn is_persistent(wanted: &Wanted) -> bool {
    wanted.entry.flags().contains(binfmt::Flags::FIX_BINARY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_kernels_are_told_from_new_ones() {
        let check = |persistent, major, minor| possible(persistent, Some(Kernel::new(major, minor)));
        let trouble = check(true, 4, 7).unwrap_err();
        assert_eq!(
            trouble.message(),
            "cannot register persistently: the flag F came with Linux 4.8, and this is Linux 4.7"
        );
        assert!(trouble.what_to_do().is_some_and(|hint| hint.starts_with("leave out -p")));
        assert_eq!((check(false, 4, 7), check(true, 4, 8), possible(true, None)), (Ok(()), Ok(()), Ok(())));
    }
}
