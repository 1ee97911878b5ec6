//! The outline of the program: from what was typed to the exit code.

use binfmt::BinfmtMisc;

use crate::args::{Action, Args, Invocation, Mode, Step, UsageError};
use crate::environment::{BadVariable, Environment};
use crate::machine::Machine;
use crate::output::Output;
use crate::request::{Request, Selection, report_unknown};
use crate::scene::Scene;
use crate::status::Format;
use crate::trouble::Trouble;
use crate::{export, help, install, register, remove, shell, status};

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

fn act(args: Args, environment: &Environment, output: &mut Output<'_>) -> Result<(), Trouble> {
    let request = match Request::new(args, environment) {
        Ok(request) => request,
        Err(unknown) => {
            report_unknown(&unknown, output);
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
