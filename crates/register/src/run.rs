//! The outline of the program: from the arguments to the exit code.

use binfmt::BinfmtMisc;

use crate::args::{Action, Args, Invocation, Mode, Step, UsageError};
use crate::environment::{BadVariable, Environment};
use crate::inventory::Inventory;
use crate::machine::Machine;
use crate::output::Output;
use crate::request::{self, Request, Selection, report_unknown};
use crate::scene::Scene;
use crate::trouble::Trouble;
use crate::{export, help, install, lifetime, register, remove, shell, status};

/// Does what the arguments ask for, and returns the exit code: 0 only if everything that was asked for holds.
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
            return if output.succeeded() { code } else { 1 };
        }
        Invocation::Version => {
            let dir = request::folder(None, &environment);
            output.text(help::version(&Inventory::new(dir)));
        }
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
    let dry = request.mode == Mode::DryRun;
    if !request.steps.is_empty() {
        let misc = if dry { scene.mounted() } else { scene.look()? };
        for step in &request.steps {
            take(*step, &scene, misc.as_ref(), output)?;
        }
    }
    let Some(action) = request.action else { return Ok(()) };
    match (action, request.mode) {
        (_, Mode::DryRun) => plan(action, &scene, scene.mounted().as_ref(), output),
        (Action::Export(_) | Action::Unexport(_), Mode::Test) => {
            plan(action, &scene, scene.mounted().as_ref(), output)
        }
        (Action::Register, Mode::Test) => {
            let misc = BinfmtMisc::open_briefly(request.mount.as_deref())?;
            lifetime::judge(&misc, request, output)?;
            plan(action, &scene, Some(&misc), output)
        }
        (_, Mode::Test) => {
            let misc = scene.look()?;
            if let Some(misc) = &misc {
                misc.check_writable()?;
            }
            plan(action, &scene, misc.as_ref(), output)
        }
        (Action::Export(style), Mode::Do) => export::run(&scene, scene.mounted().as_ref(), style, output),
        (Action::Unexport(style), Mode::Do) => {
            export::remove(&scene, style, output);
            Ok(())
        }
        (Action::Check, Mode::Do) => status::check(&scene, scene.look()?.as_ref(), output),
        (Action::Register, Mode::Do) => register::run(&scene, output),
        (Action::Remove, Mode::Do) => match scene.look()? {
            Some(misc) => remove::run(&request.selection, &scene, &misc, output),
            None => {
                report_not_mounted(output);
                Ok(())
            }
        },
    }
}

fn report_not_mounted(output: &mut Output<'_>) {
    output.note("binfmt_misc is not mounted, so nothing is registered");
}

fn take(
    step: Step,
    scene: &Scene,
    misc: Option<&BinfmtMisc>,
    output: &mut Output<'_>,
) -> Result<(), Trouble> {
    match (step, misc) {
        (Step::Json, _) => return status::print_json(scene, misc, output),
        (_, None) => report_not_mounted(output),
        (Step::List, Some(misc)) => return status::print_table(scene, misc, output),
        (Step::Reset, Some(misc)) if scene.request.mode == Mode::Do => {
            return remove::run(&Selection::All, scene, misc, output);
        }
        (Step::Reset, Some(misc)) => return remove::plan(&Selection::All, scene, misc, output),
    }
    Ok(())
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
        (Action::Register, _) => register::plan(scene, misc, output)?,
        (Action::Export(style), _) => {
            output.line(format_args!("Would write to {}", request.exportdir(style).display()));
            register::plan(scene, misc, output)?;
        }
        (Action::Unexport(style), _) => {
            for path in export::ours(scene, style) {
                output.line(format_args!("Would remove {}", path.display()));
            }
        }
        (Action::Check, _) => output.line("Would run a program of each target"),
        (Action::Remove, Some(misc)) => remove::plan(&request.selection, scene, misc, output)?,
        (Action::Remove, None) => report_not_mounted(output),
    }
    Ok(())
}
