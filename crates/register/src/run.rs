//! The outline of the program: from what was typed to the exit code.

use std::path::Path;

use arch::UnknownName;
use binfmt::mount::{self, State};
use binfmt::{BinfmtMisc, Kernel, in_initial_pid_namespace, in_initial_user_namespace};

use crate::args::{Action, Args, Invocation, Mode, Step, UsageError};
use crate::environment::{BadVariable, Environment};
use crate::machine::Machine;
use crate::output::Output;
use crate::request::{Request, Selection};
use crate::status::Format;
use crate::trouble::Trouble;
use crate::{check, export, help, install, register, remove, shell, status, want};

/// Does what was typed, and gives the exit code: 0 only if everything that was asked for holds.
pub fn run(
    invocation: Result<Invocation, UsageError>,
    environment: Result<Environment, BadVariable>,
    output: &mut Output<'_>,
) -> u8 {
    let invocation = match invocation {
        Ok(invocation) => invocation,
        Err(error) => {
            output.verbatim_error(error);
            output.hint("--help lists the options");
            return 1;
        }
    };
    let environment = match environment {
        Ok(environment) => environment,
        Err(error) => {
            output.error(error);
            return 1;
        }
    };
    match invocation {
        Invocation::Help(code) => {
            output.text(help::REGISTER);
            return code;
        }
        Invocation::Version => output.line(help::version()),
        Invocation::Shell(command) => shell::become_command(&command).print(output),
        Invocation::Register(args) => {
            if let Err(trouble) = act(*args, &environment, output) {
                trouble.print(output);
            }
        }
        Invocation::Binfmt(invocation) => {
            if let Err(trouble) = install::run(invocation, &environment, output) {
                trouble.print(output);
            }
        }
    }
    u8::from(!output.succeeded())
}

/// What a request is carried out with.
pub(crate) struct Scene {
    pub(crate) request: Request,
    pub(crate) machine: Machine,
    pub(crate) kernel: Option<Kernel>,
}

impl Scene {
    pub(crate) fn new(request: Request) -> Scene {
        let here = Machine::here();
        let machine = match &request.host_arch {
            Some(name) if matches!(request.action, Some(Action::Export(_))) => Machine::named(name),
            // Whatever it is called, it cannot do without its own architecture.
            Some(name) => Machine::named(name).and(&here),
            None => here,
        };
        Scene { request, machine, kernel: Kernel::running() }
    }

    /// Opens binfmt_misc; mounts it if need be.
    pub(crate) fn open(&self) -> Result<BinfmtMisc, Trouble> {
        Ok(BinfmtMisc::open(self.request.mount.as_deref())?)
    }

    /// The binfmt_misc that is mounted, if one is; nothing is mounted for this.
    fn mounted(&self) -> Option<BinfmtMisc> {
        let dir = self.request.mount.as_deref();
        let state = mount::state(dir.unwrap_or(Path::new(mount::DEFAULT)));
        let is_mounted =
            matches!(state, Ok(State::Mounted { .. })) || (dir.is_none() && !mount::mounts().is_empty());
        if is_mounted { BinfmtMisc::open(dir).ok() } else { None }
    }

    /// Where entries will not last as long as the machine runs: worth knowing before one relies on them.
    pub(crate) fn tell_lifetime(&self, misc: &BinfmtMisc, output: &mut Output<'_>) {
        let ends_with_its_mount = self.kernel.is_none_or(|kernel| kernel >= Kernel::OWN_INSTANCES);
        if misc.is_new_instance() && ends_with_its_mount && !in_initial_pid_namespace() {
            output.warning(format_args!(
                "binfmt_misc was not mounted on this machine, and is now mounted at {} in this container only; since \
                 Linux 6.7 all entries vanish with its last mount, that is, with this container",
                misc.dir().display()
            ));
            output.hint(
                "mount it on the machine first: mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc",
            );
        }
        if !in_initial_user_namespace() {
            output.note(
                "this is a user namespace with a binfmt_misc of its own: the entries hold inside it, and vanish with it",
            );
        }
    }
}

fn act(args: Args, environment: &Environment, output: &mut Output<'_>) -> Result<(), Trouble> {
    let request = match Request::new(args, environment) {
        Ok(request) => request,
        Err(unknown) => {
            tell_unknown(&unknown, output);
            return Ok(());
        }
    };
    if let Some(name) = request.host_arch.as_deref().filter(|name| Machine::named(name).natives().is_empty())
    {
        output.warning(format_args!("HOST_ARCH is `{name}`, which is no machine that is known here"));
    }
    let scene = Scene::new(request);
    let request = &scene.request;
    let writes_files = matches!(request.action, Some(Action::Export(_) | Action::Unexport(_)));
    let only_looks = request.mode == Mode::DryRun || (writes_files && request.steps.is_empty());
    let misc = if only_looks { scene.mounted() } else { Some(scene.open()?) };
    for step in &request.steps {
        take(*step, &scene, misc.as_ref(), output)?;
    }
    match (request.action, request.mode, &misc) {
        (None, ..) => Ok(()),
        (Some(action), Mode::DryRun, _) => plan(action, &scene, misc.as_ref(), output),
        (Some(action), Mode::Test, _) => {
            if let (Some(misc), false) = (&misc, writes_files) {
                misc.check_writable()?;
            }
            plan(action, &scene, misc.as_ref(), output)
        }
        (Some(Action::Export(style)), Mode::Do, _) => export::run(&scene, misc.as_ref(), style, output),
        (Some(Action::Unexport(style)), Mode::Do, _) => {
            export::remove(&scene, style, output);
            Ok(())
        }
        (Some(Action::Check), Mode::Do, Some(misc)) => status::check(&scene, misc, output),
        (Some(Action::Register), Mode::Do, Some(misc)) => register::run(&scene, misc, output),
        (Some(Action::Remove), Mode::Do, Some(misc)) => remove::run(&request.selection, &scene, misc, output),
        // For these it was opened, or that was an error.
        (Some(_), Mode::Do, None) => Ok(()),
    }
}

fn take(
    step: Step,
    scene: &Scene,
    misc: Option<&BinfmtMisc>,
    output: &mut Output<'_>,
) -> Result<(), Trouble> {
    let Some(misc) = misc else {
        output.note("binfmt_misc is not mounted, so nothing is registered");
        return Ok(());
    };
    match step {
        Step::List => status::print(Format::Text, scene, misc, output),
        Step::Json => status::print(Format::Json, scene, misc, output),
        Step::Reset if scene.request.mode == Mode::Do => remove::run(&Selection::All, scene, misc, output),
        Step::Reset => remove::plan(&Selection::All, scene, misc, output),
    }
}

/// Tells what would be done.
fn plan(
    action: Action,
    scene: &Scene,
    misc: Option<&BinfmtMisc>,
    output: &mut Output<'_>,
) -> Result<(), Trouble> {
    let request = &scene.request;
    match (action, misc) {
        (Action::Register, _) => register::plan(scene, misc, output),
        (Action::Export(style), _) => {
            output.line(format_args!("Would write to {}", request.exportdir(style).display()));
            register::plan(scene, misc, output);
        }
        (Action::Unexport(style), _) => {
            for path in export::ours(scene, style) {
                output.line(format_args!("Would remove {}", path.display()));
            }
        }
        (Action::Check, _) => output.line("Would run a program of each target"),
        (Action::Remove, Some(misc)) => remove::plan(&request.selection, scene, misc, output)?,
        (Action::Remove, None) => output.note("binfmt_misc is not mounted, so nothing is registered"),
    }
    Ok(())
}

/// One message for each name that is nobody's.
pub(crate) fn tell_unknown(unknown: &[UnknownName], output: &mut Output<'_>) {
    for error in unknown {
        output.error(error);
    }
    let names: Vec<&str> = arch::Target::all().map(arch::Target::name).collect();
    output.hint(format_args!("the targets are {}", names.join(" ")));
}

/// Runs the targets' programs and tells which do not run.
pub(crate) fn prove(targets: &[arch::Target], output: &mut Output<'_>) -> usize {
    let mut running = 0;
    for target in targets {
        running += usize::from(judge(*target, &check::run(*target), output));
    }
    running
}

/// Tells what came of a target's program; `true` if it ran.
pub(crate) fn judge(target: arch::Target, outcome: &check::Outcome, output: &mut Output<'_>) -> bool {
    match outcome {
        check::Outcome::Runs => return true,
        check::Outcome::Fails(why) => {
            Trouble::new(format_args!(
                "{} is registered, but a program of {target} does not run: {why}",
                want::entry_name(target)
            ))
            .print(output);
        }
        check::Outcome::Untried(why) => {
            output.warning(format_args!("{}: not tried: {why}", want::entry_name(target)));
        }
    }
    false
}
